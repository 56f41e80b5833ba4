// Finds the minimum and the maximum of the output of a network.

struct Params {
    // Values, and invocations that share them.
    count: u32,
    stride: u32,
}

var<immediate> params: Params;
// In 0..1.
@group(0) @binding(0) var<storage, read> values: array<f32>;
// Minimum and maximum as bits: non-negative floats have the same order as their bits.
@group(0) @binding(1) var<storage, read_write> extrema: array<atomic<u32>, 2>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.count) {
        return;
    }
    var low = values[id.x];
    var high = low;
    for (var index = id.x + params.stride; index < params.count; index += params.stride) {
        low = min(low, values[index]);
        high = max(high, values[index]);
    }
    atomicMin(&extrema[0], bitcast<u32>(max(low, 0.0)));
    atomicMax(&extrema[1], bitcast<u32>(max(high, 0.0)));
}
