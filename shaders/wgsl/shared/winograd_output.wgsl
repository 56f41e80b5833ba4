// Reads the products of tiles. Expects the binding `products`, `[36, channels_out, tile_stride]`, and the parameters
// `channels_out` and `tile_stride`.

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
