// Tiles of 6x6 values of some channels, transformed: one invocation a tile and channel. Neighbours of a workgroup are
// neighbours of the picture, so that what they read is shared in the cache, and what they write is contiguous.

struct Params {
    width: u32,
    height: u32,
    dilation: u32,
    // Of one phase, in tiles.
    across: u32,
    down: u32,
    first_tile: u32,
    tiles: u32,
    // From one channel to the next, in tiles.
    stride: u32,
    channels: u32,
    first_channel: u32,
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> planes: array<f32>;
@group(0) @binding(2) var<storage, read_write> seen: array<Real>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.tiles) {
        return;
    }
    let origin = tile_origin(params.first_tile + id.x, params.across, params.down, params.dilation);
    let plane = id.y * params.width * params.height;
    var rows: array<array<f32, 6>, 6>;
    for (var i = 0u; i < 6u; i++) {
        // Above the first row this wraps around to a row that is past the last.
        let y = origin.y + i * params.dilation - params.dilation;
        var row: array<f32, 6>;
        for (var j = 0u; j < 6u; j++) {
            let x = origin.x + j * params.dilation - params.dilation;
            row[j] = 0.0;
            if (y < params.height && x < params.width) {
                row[j] = planes[plane + y * params.width + x];
            }
        }
        rows[i] = winograd_forth(row);
    }
    let channel = params.first_channel + id.y;
    for (var j = 0u; j < 6u; j++) {
        let column = winograd_forth(
            array<f32, 6>(rows[0][j], rows[1][j], rows[2][j], rows[3][j], rows[4][j], rows[5][j])
        );
        for (var i = 0u; i < 6u; i++) {
            seen[((i * 6u + j) * params.channels + channel) * params.stride + id.x] = real(column[i]);
        }
    }
}
