// Takes the maximum of each 2x2 cell of each channel; an odd last row or column makes cells of its own.

struct Params {
    width: u32,
    height: u32,
    out_width: u32,
    out_height: u32,
}

var<immediate> params: Params;
// `[channels, height, width]`
@group(0) @binding(0) var<storage, read> input: array<f32>;
// `[channels, out_height, out_width]`
@group(0) @binding(1) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let count = params.out_width * params.out_height;
    if (id.x >= count) {
        return;
    }
    let x = 2u * (id.x % params.out_width);
    let y = 2u * (id.x / params.out_width);
    let right = min(x + 1u, params.width - 1u);
    let upper = (id.y * params.height + y) * params.width;
    let lower = (id.y * params.height + min(y + 1u, params.height - 1u)) * params.width;
    output[id.y * count + id.x] =
        max(max(input[upper + x], input[upper + right]), max(input[lower + x], input[lower + right]));
}
