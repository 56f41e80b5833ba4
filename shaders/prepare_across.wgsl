// Shrinks the rows to the network's width and normalises them into its input tensor.

struct Params {
    mean: vec3<f32>,
    size: u32,
    deviation: vec3<f32>,
    width: u32,
    taps: u32,
    // Left to right.
    mirrored: u32,
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> first: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
// `[size, width]`, packed RGBA8.
@group(0) @binding(3) var<storage, read> shrunk: array<u32>;
// `[1, 3, size, size]`
@group(0) @binding(4) var<storage, read_write> input: array<f32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.size || id.y >= params.size) {
        return;
    }
    var sum = vec4<f32>(0.0);
    for (var k = 0u; k < params.taps; k++) {
        let x = min(first[id.x] + k, params.width - 1u);
        sum += weights[id.x * params.taps + k] * unpack4x8unorm(shrunk[id.y * params.width + x]);
    }
    // 8 bits, as the photos the networks were trained on.
    let color = unpack4x8unorm(pack4x8unorm(clamp(sum, vec4<f32>(0.0), vec4<f32>(1.0)))).rgb;
    let value = (color - params.mean) / params.deviation;
    let column = select(id.x, params.size - 1u - id.x, params.mirrored != 0u);
    let at = id.y * params.size + column;
    let plane = params.size * params.size;
    input[at] = value.r;
    input[plane + at] = value.g;
    input[2u * plane + at] = value.b;
}
