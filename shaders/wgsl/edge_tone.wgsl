// Makes the matte hard at a threshold, or its edge steeper, in place.

struct Params {
    // Pixels, and invocations that share them.
    count: u32,
    stride: u32,
    // Alpha becomes 1 from here on and 0 below; 0 for no threshold.
    threshold: f32,
    // Slope of the tone curve around one half; 1 leaves the matte as it is.
    slope: f32,
}

var<immediate> params: Params;
@group(0) @binding(0) var<storage, read_write> matte: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    for (var index = id.x; index < params.count; index += params.stride) {
        var value = matte[index];
        if (params.threshold > 0.0) {
            value = select(0.0, 1.0, value >= params.threshold);
        }
        matte[index] = clamp((value - 0.5) * params.slope + 0.5, 0.0, 1.0);
    }
}
