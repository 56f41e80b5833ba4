// Moves the matte's edge: grey-scale erosion by a disc whose rim rises over one pixel.

struct Params {
    width: u32,
    height: u32,
    // Rows of this dispatch, and the first of them.
    rows: u32,
    first_row: u32,
    // The first row in `matte`, and the words before its first pixel.
    window_first: u32,
    matte_skip: u32,
    out_skip: u32,
    taps: u32,
    // Dilates instead.
    outwards: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

struct Tap {
    x: i32,
    y: i32,
    rise: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> disc: array<Tap>;
@group(0) @binding(2) var<storage, read> matte: array<f32>;
@group(0) @binding(3) var<storage, read_write> choked: array<f32>;

fn turned(value: f32) -> f32 {
    return select(value, 1.0 - value, params.outwards != 0u);
}

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.width || id.y >= params.rows) {
        return;
    }
    var least = 1.0;
    for (var k = 0u; k < params.taps; k++) {
        let tap = disc[k];
        let x = i32(id.x) + tap.x;
        let y = i32(params.first_row + id.y) + tap.y;
        // The subject goes on beyond the photo.
        if (x >= 0 && y >= 0 && x < i32(params.width) && y < i32(params.height)) {
            let at = (u32(y) - params.window_first) * params.width + u32(x);
            least = min(least, turned(matte[params.matte_skip + at]) + tap.rise);
        }
    }
    choked[params.out_skip + id.y * params.width + id.x] = turned(least);
}
