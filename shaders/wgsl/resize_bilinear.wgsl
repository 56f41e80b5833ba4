// Resamples each channel to another size, bilinearly with half-pixel centres.

struct Params {
    width: u32,
    height: u32,
    out_width: u32,
    out_height: u32,
    // Input pixels for each output pixel, across and down.
    scale: vec2<f32>,
    pad0: u32,
    pad1: u32,
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
    let last = vec2<f32>(f32(params.width - 1u), f32(params.height - 1u));
    let cell = vec2<f32>(f32(id.x % params.out_width), f32(id.x / params.out_width));
    let centre = clamp((cell + 0.5) * params.scale - 0.5, vec2<f32>(), last);
    let low = floor(centre);
    let fraction = centre - low;
    let near = vec2<u32>(low);
    let far = vec2<u32>(min(low + 1.0, last));
    let upper = (id.y * params.height + near.y) * params.width;
    let lower = (id.y * params.height + far.y) * params.width;
    let above = input[upper + near.x] + (input[upper + far.x] - input[upper + near.x]) * fraction.x;
    let below = input[lower + near.x] + (input[lower + far.x] - input[lower + near.x]) * fraction.x;
    output[id.y * count + id.x] = above + (below - above) * fraction.y;
}
