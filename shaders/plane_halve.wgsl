// The largest of each 2x2 cell of each plane; an odd row or column at the end counts as a whole cell.

struct Params {
    width: u32,
    height: u32,
    out_width: u32,
    out_height: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> planes: array<f32>;
@group(0) @binding(2) var<storage, read_write> halved: array<f32>;

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
    let most = max(max(planes[upper + x], planes[upper + right]), max(planes[lower + x], planes[lower + right]));
    halved[id.y * count + id.x] = most;
}
