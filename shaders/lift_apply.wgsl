// The network's matte, stretched, raised and cut as planned.

struct Params {
    size: u32,
    side: u32,
    taps: u32,
    min_range: f32,
    // There is a plan.
    planned: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> first: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read> range: array<u32, 2>;
// `[size, size]`
@group(0) @binding(4) var<storage, read_write> matte: array<f32>;
// `[side, side]`: gain, floor, kept.
@group(0) @binding(5) var<storage, read> plan: array<vec4<f32>>;
// `[size, size]`
@group(0) @binding(6) var<storage, read_write> lifted: array<f32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.size || id.y >= params.size) {
        return;
    }
    let at = id.y * params.size + id.x;
    let low = bitcast<f32>(range[0]);
    let span = bitcast<f32>(range[1]) - low;
    var value = 0.0;
    if (span >= params.min_range) {
        value = (matte[at] - low) / span;
    }
    if (params.planned != 0u) {
        // Kept within what it is taken from, so that a plan that changes nothing changes not even the last bit.
        var sum = vec3<f32>(0.0);
        var least = plan[first[id.y] * params.side + first[id.x]].xyz;
        var most = least;
        for (var j = 0u; j < params.taps; j++) {
            for (var k = 0u; k < params.taps; k++) {
                let here = plan[(first[id.y] + j) * params.side + first[id.x] + k].xyz;
                sum += weights[id.y * params.taps + j] * weights[id.x * params.taps + k] * here;
                least = min(least, here);
                most = max(most, here);
            }
        }
        let change = clamp(sum, least, most);
        value = max(min(value * change.x, 1.0), change.y) * change.z;
    }
    lifted[at] = value;
}
