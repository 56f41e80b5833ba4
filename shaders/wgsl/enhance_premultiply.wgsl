// Multiplies rows of the photo by their matte, or by their own alpha if there is none.

struct Params {
    width: u32,
    rows: u32,
    // Words before the first pixel.
    photo_offset: u32,
    matte_offset: u32,
    has_matte: u32,
}

var<immediate> params: Params;
// Packed RGBA8, straight.
@group(0) @binding(0) var<storage, read> photo: array<u32>;
// Alpha in 0..1.
@group(0) @binding(1) var<storage, read> matte: array<f32>;
// `[rows, width]`: RGBA in 0..1, sRGB-encoded, premultiplied.
@group(0) @binding(2) var<storage, read_write> premultiplied: array<vec4<f32>>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.width || id.y >= params.rows) {
        return;
    }
    let index = id.y * params.width + id.x;
    premultiplied[index] = premultiplied_at(index);
}
