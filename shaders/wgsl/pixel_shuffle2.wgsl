// Arranges the four channels of each pixel as a 2x2 cell, row by row: one invocation per result.

struct Params {
    width: u32,
    height: u32,
}

var<immediate> params: Params;
// `[4, height, width]`
@group(0) @binding(0) var<storage, read> input: array<f32>;
// `[1, 2 * height, 2 * width]`
@group(0) @binding(1) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let pixels = params.width * params.height;
    if (id.x >= 4u * pixels) {
        return;
    }
    let x = id.x % (2u * params.width);
    let y = id.x / (2u * params.width);
    let channel = y % 2u * 2u + x % 2u;
    output[id.x] = input[channel * pixels + y / 2u * params.width + x / 2u];
}
