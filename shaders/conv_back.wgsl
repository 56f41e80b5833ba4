// Tiles of 4x4 results from the products, with bias, ReLU and what is to be added: one invocation a tile and channel.

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
    // The least a result may be before the addition.
    least: f32,
    adds: u32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> made: array<f32>;
// read_write: slices of one page of burn's pool may be bound twice.
@group(0) @binding(2) var<storage, read_write> bias: array<f32>;
@group(0) @binding(3) var<storage, read> plus: array<f32>;
@group(0) @binding(4) var<storage, read_write> planes: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.tiles) {
        return;
    }
    var columns: array<vec4<f32>, 6>;
    for (var j = 0u; j < 6u; j++) {
        var column: array<f32, 6>;
        for (var i = 0u; i < 6u; i++) {
            column[i] = made[((i * 6u + j) * params.channels + id.y) * params.stride + id.x];
        }
        columns[j] = winograd_back(column);
    }
    let origin = tile_origin(params.first_tile + id.x, params.across, params.down, params.dilation);
    let plane = id.y * params.width * params.height;
    for (var i = 0u; i < 4u; i++) {
        let y = origin.y + i * params.dilation;
        if (y >= params.height) {
            break;
        }
        let row = winograd_back(
            array<f32, 6>(columns[0][i], columns[1][i], columns[2][i], columns[3][i], columns[4][i], columns[5][i])
        );
        for (var j = 0u; j < 4u; j++) {
            let x = origin.x + j * params.dilation;
            if (x < params.width) {
                let at = plane + y * params.width + x;
                var value = max(row[j] + bias[id.y], params.least);
                if (params.adds != 0u) {
                    value += plus[at];
                }
                planes[at] = value;
            }
        }
    }
}
