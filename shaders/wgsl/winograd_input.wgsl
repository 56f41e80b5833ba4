// Transforms 6x6 input tiles of a 3x3 convolution for winograd_gemm: one invocation a tile and channel. Neighbours in a
// workgroup are neighbours in the feature map, so they share cached reads and write contiguously.

struct Params {
    width: u32,
    height: u32,
    dilation: u32,
    // Tiles of one phase of the dilation.
    tiles_across: u32,
    tiles_down: u32,
    first_tile: u32,
    tile_count: u32,
    // Tiles between the rows of two channels in `input_tiles`.
    tile_stride: u32,
    // Channels of all inputs of the convolution, and where the channels of this one begin among them.
    channels_in: u32,
    first_channel: u32,
}

var<immediate> params: Params;
// `[channels, height, width]`
@group(0) @binding(0) var<storage, read> input: array<f32>;
// `[36, channels_in, tile_stride]`
@group(0) @binding(1) var<storage, read_write> input_tiles: array<Real>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.tile_count) {
        return;
    }
    let origin = tile_origin(params.first_tile + id.x, params.tiles_across, params.tiles_down, params.dilation);
    let plane = id.y * params.width * params.height;
    var rows: array<array<f32, 6>, 6>;
    for (var i = 0u; i < 6u; i++) {
        // Above the first row this wraps around to a number past the last one, where the padding is zero as well.
        let y = origin.y + i * params.dilation - params.dilation;
        var row: array<f32, 6>;
        for (var j = 0u; j < 6u; j++) {
            let x = origin.x + j * params.dilation - params.dilation;
            row[j] = 0.0;
            if (y < params.height && x < params.width) {
                row[j] = input[plane + y * params.width + x];
            }
        }
        rows[i] = input_transform(row);
    }
    let channel = params.first_channel + id.y;
    for (var j = 0u; j < 6u; j++) {
        let column = input_transform(
            array<f32, 6>(rows[0][j], rows[1][j], rows[2][j], rows[3][j], rows[4][j], rows[5][j])
        );
        for (var i = 0u; i < 6u; i++) {
            let at = ((i * 6u + j) * params.channels_in + channel) * params.tile_stride + id.x;
            input_tiles[at] = real(column[i]);
        }
    }
}
