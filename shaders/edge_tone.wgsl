// Makes the matte hard at a threshold, or its edge steeper.

struct Params {
    count: u32,
    stride: u32,
    // Full from here on, none below; 0 for no threshold.
    threshold: f32,
    // So many times as steep around one half.
    steepness: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> matte: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    for (var at = id.x; at < params.count; at += params.stride) {
        var value = matte[at];
        if (params.threshold > 0.0) {
            value = select(0.0, 1.0, value >= params.threshold);
        }
        matte[at] = clamp((value - 0.5) * params.steepness + 0.5, 0.0, 1.0);
    }
}
