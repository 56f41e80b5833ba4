// Finds the smallest and largest value of the network's matte.

struct Params {
    count: u32,
    stride: u32,
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// In 0..1. A tensor's buffer is always bound for writing: its pool page may be shared.
@group(0) @binding(1) var<storage, read_write> matte: array<f32>;
// Low and high as bits: the order of non-negative floats is the order of their bits.
@group(0) @binding(2) var<storage, read_write> range: array<atomic<u32>, 2>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.count) {
        return;
    }
    var low = matte[id.x];
    var high = low;
    for (var at = id.x + params.stride; at < params.count; at += params.stride) {
        low = min(low, matte[at]);
        high = max(high, matte[at]);
    }
    atomicMin(&range[0], bitcast<u32>(max(low, 0.0)));
    atomicMax(&range[1], bitcast<u32>(max(high, 0.0)));
}
