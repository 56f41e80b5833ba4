// Resamples the columns of premultiplied rows to a band of the result.

struct Params {
    output_width: u32,
    // Rows of the band, and the first of them in the result.
    rows: u32,
    first_row: u32,
    // Rows of the photo in `resampled_rows`, and the first of them in the photo.
    source_rows: u32,
    source_first_row: u32,
    // Weights per output row.
    taps: u32,
}

var<immediate> params: Params;
// The first input of each output, and `taps` weights for it.
@group(0) @binding(0) var<storage, read> first: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
// `[source_rows, output_width]`, premultiplied.
@group(0) @binding(2) var<storage, read> resampled_rows: array<vec4<f32>>;
// `[rows, output_width]`, premultiplied.
@group(0) @binding(3) var<storage, read_write> band: array<vec4<f32>>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.output_width || id.y >= params.rows) {
        return;
    }
    let y = params.first_row + id.y;
    let start = first[y] - params.source_first_row;
    var sum = vec4<f32>(0.0);
    for (var k = 0u; k < params.taps; k++) {
        let row = min(start + k, params.source_rows - 1u);
        sum += weights[y * params.taps + k] * resampled_rows[row * params.output_width + id.x];
    }
    band[id.y * params.output_width + id.x] = clamp(sum, vec4<f32>(0.0), vec4<f32>(1.0));
}
