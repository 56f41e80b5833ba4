// Resamples the columns of the photo to the height of the network, rounded to 8 bits as on the CPU.

struct Params {
    // Width of the photo, side of the network, and weights per output.
    width: u32,
    size: u32,
    taps: u32,
    // Rows that are bound as `photo`, and the first of them in the photo.
    source_rows: u32,
    source_first_row: u32,
    // Words before their first pixel.
    photo_offset: u32,
    // This dispatch computes the outputs whose middle tap lies between these rows.
    centre_first_row: u32,
    centre_end_row: u32,
}

var<immediate> params: Params;
// The first input of each output, and `taps` weights for it.
@group(0) @binding(0) var<storage, read> first: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read> photo: array<u32>;
// `[size, width]`, packed RGBA8.
@group(0) @binding(3) var<storage, read_write> resampled_columns: array<u32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.width || id.y >= params.size) {
        return;
    }
    let centre = first[id.y] + params.taps / 2u;
    if (centre < params.centre_first_row || centre >= params.centre_end_row) {
        return;
    }
    var sum = vec4<f32>(0.0);
    for (var k = 0u; k < params.taps; k++) {
        // Taps past the end of the photo have weight 0.
        let row = min(first[id.y] + k - params.source_first_row, params.source_rows - 1u);
        let pixel = unpack4x8unorm(photo[params.photo_offset + row * params.width + id.x]);
        sum += weights[id.y * params.taps + k] * pixel;
    }
    resampled_columns[id.y * params.width + id.x] = pack4x8unorm(clamp(sum, vec4<f32>(0.0), vec4<f32>(1.0)));
}
