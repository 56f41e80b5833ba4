// Packs a premultiplied band into the result: straight alpha, 8 bits.

struct Params {
    width: u32,
    rows: u32,
    // Where the rows begin in the band.
    first_row: u32,
    // Words before the band's first pixel in the result.
    picture_skip: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// `[_, width]`, premultiplied.
@group(0) @binding(1) var<storage, read> band: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> picture: array<u32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.width || id.y >= params.rows) {
        return;
    }
    let pixel = band[(params.first_row + id.y) * params.width + id.x];
    picture[params.picture_skip + id.y * params.width + id.x] = packed_from_premultiplied(pixel);
}
