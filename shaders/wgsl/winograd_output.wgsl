// Transforms the products of winograd_gemm back to 4x4 results, adds the bias, and applies the epilogue: one invocation
// a tile and channel.

struct Params {
    width: u32,
    height: u32,
    dilation: u32,
    // Tiles of one phase of the dilation.
    tiles_across: u32,
    tiles_down: u32,
    first_tile: u32,
    tile_count: u32,
    // Tiles between the rows of two channels in `products`.
    tile_stride: u32,
    channels_out: u32,
    activation: u32,
    has_residual: u32,
}

var<immediate> params: Params;
// `[36, channels_out, tile_stride]`
@group(0) @binding(0) var<storage, read> products: array<f32>;
// `[channels_out]`
@group(0) @binding(1) var<storage, read> bias: array<f32>;
// `[channels_out, height, width]`, as `output`; read only if `has_residual`.
@group(0) @binding(2) var<storage, read> residual: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.tile_count) {
        return;
    }
    var columns: array<vec4<f32>, 6>;
    for (var j = 0u; j < 6u; j++) {
        var column: array<f32, 6>;
        for (var i = 0u; i < 6u; i++) {
            column[i] = products[((i * 6u + j) * params.channels_out + id.y) * params.tile_stride + id.x];
        }
        columns[j] = output_transform(column);
    }
    let origin = tile_origin(params.first_tile + id.x, params.tiles_across, params.tiles_down, params.dilation);
    let plane = id.y * params.width * params.height;
    for (var i = 0u; i < 4u; i++) {
        let y = origin.y + i * params.dilation;
        if (y >= params.height) {
            break;
        }
        let row = output_transform(
            array<f32, 6>(columns[0][i], columns[1][i], columns[2][i], columns[3][i], columns[4][i], columns[5][i])
        );
        for (var j = 0u; j < 4u; j++) {
            let x = origin.x + j * params.dilation;
            if (x < params.width) {
                let at = plane + y * params.width + x;
                var value = activate(row[j] + bias[id.y], params.activation);
                if (params.has_residual != 0u) {
                    value += residual[at];
                }
                output[at] = value;
            }
        }
    }
}
