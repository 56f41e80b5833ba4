// Shrinks the photo's columns to the network's height, rounded to 8 bits as the CPU does.

struct Params {
    width: u32,
    // Rows of this dispatch, and the first of them.
    rows: u32,
    first_row: u32,
    // The photo's rows in `photo`, and which of them it begins with.
    window_rows: u32,
    window_first: u32,
    // Words before the window's first pixel.
    window_skip: u32,
    taps: u32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> first: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read> photo: array<u32>;
// `[size, width]`, packed RGBA8.
@group(0) @binding(4) var<storage, read_write> shrunk: array<u32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.width || id.y >= params.rows) {
        return;
    }
    let y = params.first_row + id.y;
    let start = first[y] - params.window_first;
    var sum = vec4<f32>(0.0);
    for (var k = 0u; k < params.taps; k++) {
        // Taps past the window's end weigh nothing.
        let row = min(start + k, params.window_rows - 1u);
        sum += weights[y * params.taps + k] * unpack4x8unorm(photo[params.window_skip + row * params.width + id.x]);
    }
    shrunk[y * params.width + id.x] = pack4x8unorm(clamp(sum, vec4<f32>(0.0), vec4<f32>(1.0)));
}
