// Resamples the columns of a premultiplied window to a band of the result.

struct Params {
    out_width: u32,
    // Rows of the band, and the first of them in the result.
    rows: u32,
    first_row: u32,
    // The photo's rows in `wide`, and the first of them.
    window_rows: u32,
    window_first: u32,
    taps: u32,
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> first: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
// `[window_rows, out_width]`
@group(0) @binding(3) var<storage, read> wide: array<vec4<f32>>;
// `[rows, out_width]`
@group(0) @binding(4) var<storage, read_write> band: array<vec4<f32>>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.out_width || id.y >= params.rows) {
        return;
    }
    let y = params.first_row + id.y;
    let start = first[y] - params.window_first;
    var sum = vec4<f32>(0.0);
    for (var k = 0u; k < params.taps; k++) {
        let row = min(start + k, params.window_rows - 1u);
        sum += weights[y * params.taps + k] * wide[row * params.out_width + id.x];
    }
    band[id.y * params.out_width + id.x] = clamp(sum, vec4<f32>(0.0), vec4<f32>(1.0));
}
