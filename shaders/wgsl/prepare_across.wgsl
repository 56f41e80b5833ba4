// Resamples the rows to the width of the network and normalises them into its input.

struct Params {
    // Mean and standard deviation of the colours that the network was trained on.
    mean: vec3<f32>,
    size: u32,
    std_dev: vec3<f32>,
    width: u32,
    taps: u32,
    // Whether to mirror left to right.
    mirrored: u32,
    pad0: u32,
    pad1: u32,
}

var<immediate> params: Params;
// The first input of each output, and `taps` weights for it.
@group(0) @binding(0) var<storage, read> first: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
// `[size, width]`, packed RGBA8.
@group(0) @binding(2) var<storage, read> resampled_columns: array<u32>;
// `[3, size, size]`, RGB.
@group(0) @binding(3) var<storage, read_write> input: array<f32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.size || id.y >= params.size) {
        return;
    }
    var sum = vec4<f32>(0.0);
    for (var k = 0u; k < params.taps; k++) {
        let x = min(first[id.x] + k, params.width - 1u);
        sum += weights[id.x * params.taps + k] * unpack4x8unorm(resampled_columns[id.y * params.width + x]);
    }
    // Rounded to 8 bits, as Pillow does.
    let color = unpack4x8unorm(pack4x8unorm(clamp(sum, vec4<f32>(0.0), vec4<f32>(1.0)))).rgb;
    let value = (color - params.mean) / params.std_dev;
    let column = select(id.x, params.size - 1u - id.x, params.mirrored != 0u);
    let index = id.y * params.size + column;
    let plane = params.size * params.size;
    input[index] = value.r;
    input[plane + index] = value.g;
    input[2u * plane + index] = value.b;
}
