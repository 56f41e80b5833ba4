// Packs a band that is not sharpened into the result.

struct Params {
    width: u32,
    rows: u32,
    // The first row to pack in the band.
    first_row: u32,
    // Words before the first pixel in the result.
    picture_offset: u32,
    // Words of a pixel of the result: 1 or 2.
    words_per_pixel: u32,
}

var<immediate> params: Params;
// `[_, width]`, premultiplied.
@group(0) @binding(0) var<storage, read> band: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> picture: array<u32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.width || id.y >= params.rows) {
        return;
    }
    let pixel = band[(params.first_row + id.y) * params.width + id.x];
    store_pixel(id.y * params.width + id.x, vec4<f32>(pixel.rgb / max(pixel.a, 1e-6), pixel.a));
}
