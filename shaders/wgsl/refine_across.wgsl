// Resamples the rows of the matte onto the columns of the ROI; 0 outside.

struct Params {
    size: u32,
    width: u32,
    taps: u32,
}

var<immediate> params: Params;
// The first input of each output, and `taps` weights for it.
@group(0) @binding(0) var<storage, read> first: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
// `[size, size]`
@group(0) @binding(2) var<storage, read> matte: array<f32>;
// `[size, width]`
@group(0) @binding(3) var<storage, read_write> resampled_rows: array<f32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.width || id.y >= params.size) {
        return;
    }
    var sum = 0.0;
    for (var k = 0u; k < params.taps; k++) {
        let x = min(first[id.x] + k, params.size - 1u);
        sum += weights[id.x * params.taps + k] * matte[id.y * params.size + x];
    }
    resampled_rows[id.y * params.width + id.x] = sum;
}
