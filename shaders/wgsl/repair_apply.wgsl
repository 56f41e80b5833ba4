// Stretches the matte to 0..1 and applies the gain map.

struct Params {
    // Side of the matte, and of the gain map.
    size: u32,
    side: u32,
    // Weights per output along one axis.
    taps: u32,
    // Below this range the network found no subject.
    min_range: f32,
    // Whether to apply the gain map, not only to stretch.
    has_gain_map: u32,
}

var<immediate> params: Params;
// The first input of each output, and `taps` weights for it.
@group(0) @binding(0) var<storage, read> first: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
// Minimum and maximum of the matte, as bits.
@group(0) @binding(2) var<storage, read> extrema: array<u32, 2>;
// `[size, size]`
@group(0) @binding(3) var<storage, read> matte: array<f32>;
// `[side, side]`: gain, floor, keep.
@group(0) @binding(4) var<storage, read> gain_map: array<vec4<f32>>;
// `[size, size]`
@group(0) @binding(5) var<storage, read_write> repaired: array<f32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.size || id.y >= params.size) {
        return;
    }
    let index = id.y * params.size + id.x;
    let low = bitcast<f32>(extrema[0]);
    let range = bitcast<f32>(extrema[1]) - low;
    var value = 0.0;
    if (range >= params.min_range) {
        value = (matte[index] - low) / range;
    }
    if (params.has_gain_map != 0u) {
        // Limited to the range of its inputs, so that a neutral gain map does not change even the last bit.
        var sum = vec3<f32>(0.0);
        var minimum = gain_map[first[id.y] * params.side + first[id.x]].xyz;
        var maximum = minimum;
        for (var j = 0u; j < params.taps; j++) {
            for (var k = 0u; k < params.taps; k++) {
                let entry = gain_map[(first[id.y] + j) * params.side + first[id.x] + k].xyz;
                sum += weights[id.y * params.taps + j] * weights[id.x * params.taps + k] * entry;
                minimum = min(minimum, entry);
                maximum = max(maximum, entry);
            }
        }
        let change = clamp(sum, minimum, maximum);
        value = max(min(value * change.x, 1.0), change.y) * change.z;
    }
    repaired[index] = value;
}
