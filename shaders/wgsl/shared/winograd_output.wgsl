// The parameters of winograd_output and winograd_output_wide, and how they read the products of tiles: from the binding
// `products`, `[36, channels_out, tile_stride]`.

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

// Reads the six products of a column of a tile, and transforms them.
fn transformed_column(column: u32, channel: u32, tile: u32) -> vec4<f32> {
    let at = (column * params.channels_out + channel) * params.tile_stride + tile;
    let row = 6u * params.channels_out * params.tile_stride;
    return output_transform(Six(
        products[at],
        products[at + row],
        products[at + 2u * row],
        products[at + 3u * row],
        products[at + 4u * row],
        products[at + 5u * row],
    ));
}
