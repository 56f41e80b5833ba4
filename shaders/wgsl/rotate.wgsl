// Rotates each channel of a square feature map clockwise.

struct Params {
    side: u32,
    // Rows of all channels.
    rows: u32,
    quarter_turns: u32,
}

var<immediate> params: Params;
// `[channels, side, side]`
@group(0) @binding(0) var<storage, read> map: array<f32>;
// `[channels, side, side]`
@group(0) @binding(1) var<storage, read_write> rotated: array<f32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.side || id.y >= params.rows) {
        return;
    }
    // Column and row of the pixel that a quarter turn moves here, for each quarter turn.
    var source = vec2<u32>(id.x, id.y % params.side);
    for (var turn = 0u; turn < params.quarter_turns; turn++) {
        source = vec2<u32>(source.y, params.side - 1u - source.x);
    }
    let first_row = id.y - id.y % params.side;
    rotated[id.y * params.side + id.x] = map[(first_row + source.y) * params.side + source.x];
}
