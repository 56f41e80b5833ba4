// Shrinks the photo's columns to the network's height, rounded to 8 bits as the CPU does.

struct Params {
    width: u32,
    size: u32,
    taps: u32,
    // The photo's rows in `photo`, and which of them it begins with.
    window_rows: u32,
    window_first: u32,
    // Words before the window's first pixel.
    window_skip: u32,
    // Outputs that read their middle between these rows are made; the others by another dispatch.
    own_first: u32,
    own_end: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> first: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read> photo: array<u32>;
// `[size, width]`, packed RGBA8.
@group(0) @binding(4) var<storage, read_write> shrunk: array<u32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.width || id.y >= params.size) {
        return;
    }
    let middle = first[id.y] + params.taps / 2u;
    if (middle < params.own_first || middle >= params.own_end) {
        return;
    }
    var sum = vec4<f32>(0.0);
    for (var k = 0u; k < params.taps; k++) {
        // Taps past the photo's end weigh nothing.
        let row = min(first[id.y] + k - params.window_first, params.window_rows - 1u);
        let pixel = unpack4x8unorm(photo[params.window_skip + row * params.width + id.x]);
        sum += weights[id.y * params.taps + k] * pixel;
    }
    shrunk[id.y * params.width + id.x] = pack4x8unorm(clamp(sum, vec4<f32>(0.0), vec4<f32>(1.0)));
}
