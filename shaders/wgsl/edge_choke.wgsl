// Moves the edge of the matte: grey-scale erosion by a disc whose rim falls off over one pixel.

struct Params {
    width: u32,
    height: u32,
    // Rows of this dispatch, and the first of them in the matte.
    rows: u32,
    first_row: u32,
    // The first row that is bound as `matte`, and the words before its first pixel.
    source_first_row: u32,
    matte_offset: u32,
    // Words before the first pixel of this dispatch in `choked`.
    choked_offset: u32,
    // Pixels of the disc.
    taps: u32,
    // Whether to dilate instead, which is an erosion of the background.
    dilate: u32,
}

// A pixel of the disc: its offset, and what is added to the value found there before the minimum is taken.
struct Tap {
    x: i32,
    y: i32,
    rise: f32,
}

var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> disc: array<Tap>;
@group(0) @binding(1) var<storage, read> matte: array<f32>;
@group(0) @binding(2) var<storage, read_write> choked: array<f32>;

// Returns the alpha of what is eroded: the subject, or the background.
fn oriented(value: f32) -> f32 {
    return select(value, 1.0 - value, params.dilate != 0u);
}

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.width || id.y >= params.rows) {
        return;
    }
    var minimum = 1.0;
    for (var k = 0u; k < params.taps; k++) {
        let tap = disc[k];
        let x = i32(id.x) + tap.x;
        let y = i32(params.first_row + id.y) + tap.y;
        // The subject goes on beyond the photo.
        if (x >= 0 && y >= 0 && x < i32(params.width) && y < i32(params.height)) {
            let index = (u32(y) - params.source_first_row) * params.width + u32(x);
            minimum = min(minimum, oriented(matte[params.matte_offset + index]) + tap.rise);
        }
    }
    choked[params.choked_offset + id.y * params.width + id.x] = oriented(minimum);
}
