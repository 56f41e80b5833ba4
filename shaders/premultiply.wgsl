// Multiplies a window of the photo by its matte, or by its own alpha if it has none.

struct Params {
    width: u32,
    rows: u32,
    photo_skip: u32,
    matte_skip: u32,
    has_matte: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> photo: array<u32>;
@group(0) @binding(2) var<storage, read> matte: array<f32>;
// `[rows, width]`, premultiplied.
@group(0) @binding(3) var<storage, read_write> window: array<vec4<f32>>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.width || id.y >= params.rows) {
        return;
    }
    let at = id.y * params.width + id.x;
    window[at] = premultiplied_at(at);
}
