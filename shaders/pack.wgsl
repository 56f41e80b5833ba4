// Packs a band into the result: straight alpha, 8 or 16 bits a channel.

struct Params {
    width: u32,
    rows: u32,
    // Where the rows begin in the band.
    first_row: u32,
    // Words before the band's first pixel in the result.
    picture_skip: u32,
    // The band is premultiplied.
    premultiplied: u32,
    // Of a pixel of the result: one, or two.
    words: u32,
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// `[_, width]`
@group(0) @binding(1) var<storage, read> band: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> picture: array<u32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.width || id.y >= params.rows) {
        return;
    }
    var pixel = band[(params.first_row + id.y) * params.width + id.x];
    if (params.premultiplied != 0u) {
        pixel = vec4<f32>(pixel.rgb / max(pixel.a, 1e-6), pixel.a);
    }
    let at = params.picture_skip + (id.y * params.width + id.x) * params.words;
    if (params.words == 1u) {
        picture[at] = packed_from_straight(pixel);
    } else {
        let halves = deeply_packed_from_straight(pixel);
        picture[at] = halves.x;
        picture[at + 1u] = halves.y;
    }
}
