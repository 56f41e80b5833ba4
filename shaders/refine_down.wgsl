// Resamples the matte's columns to the photo's height and multiplies by the photo's own alpha.

struct Params {
    size: u32,
    width: u32,
    // Rows of this dispatch, and the first of them.
    rows: u32,
    first_row: u32,
    taps: u32,
    // Words before the first pixel of this dispatch.
    photo_skip: u32,
    refined_skip: u32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> first: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
// `[size, width]`
@group(0) @binding(3) var<storage, read> wide: array<f32>;
@group(0) @binding(4) var<storage, read> photo: array<u32>;
@group(0) @binding(5) var<storage, read_write> refined: array<f32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.width || id.y >= params.rows) {
        return;
    }
    let y = params.first_row + id.y;
    var sum = 0.0;
    for (var k = 0u; k < params.taps; k++) {
        let row = min(first[y] + k, params.size - 1u);
        sum += weights[y * params.taps + k] * wide[row * params.width + id.x];
    }
    let at = id.y * params.width + id.x;
    let own_alpha = unpack4x8unorm(photo[params.photo_skip + at]).a;
    refined[params.refined_skip + at] = clamp(sum, 0.0, 1.0) * own_alpha;
}
