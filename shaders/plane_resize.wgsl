// Each plane at another size, bilinear with half-pixel centres.

struct Params {
    width: u32,
    height: u32,
    out_width: u32,
    out_height: u32,
    // Of the planes' pixels to the results': width and height.
    ratio: vec2<f32>,
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> planes: array<f32>;
@group(0) @binding(2) var<storage, read_write> resized: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let count = params.out_width * params.out_height;
    if (id.x >= count) {
        return;
    }
    let last = vec2<f32>(f32(params.width - 1u), f32(params.height - 1u));
    let cell = vec2<f32>(f32(id.x % params.out_width), f32(id.x / params.out_width));
    let centre = clamp((cell + 0.5) * params.ratio - 0.5, vec2<f32>(), last);
    let low = floor(centre);
    let share = centre - low;
    let here = vec2<u32>(low);
    let next = vec2<u32>(min(low + 1.0, last));
    let upper = (id.y * params.height + here.y) * params.width;
    let lower = (id.y * params.height + next.y) * params.width;
    let above = planes[upper + here.x] + (planes[upper + next.x] - planes[upper + here.x]) * share.x;
    let below = planes[lower + here.x] + (planes[lower + next.x] - planes[lower + here.x]) * share.x;
    resized[id.y * count + id.x] = above + (below - above) * share.y;
}
