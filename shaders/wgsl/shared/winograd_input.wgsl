// The parameters of winograd_input and winograd_input_wide, and how they store transformed tiles: into the binding
// `input_tiles`, `[36, channels_in, tile_stride]`.

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
    // Channels of both inputs, and of the first of them.
    channels_in: u32,
    first_channels: u32,
}

var<immediate> params: Params;

// Transforms the columns of a tile whose rows are transformed, and stores them.
fn store_columns(a: Six, b: Six, c: Six, d: Six, e: Six, f: Six, channel: u32, tile: u32) {
    store_column(0u, Six(a.a, b.a, c.a, d.a, e.a, f.a), channel, tile);
    store_column(1u, Six(a.b, b.b, c.b, d.b, e.b, f.b), channel, tile);
    store_column(2u, Six(a.c, b.c, c.c, d.c, e.c, f.c), channel, tile);
    store_column(3u, Six(a.d, b.d, c.d, d.d, e.d, f.d), channel, tile);
    store_column(4u, Six(a.e, b.e, c.e, d.e, e.e, f.e), channel, tile);
    store_column(5u, Six(a.f, b.f, c.f, d.f, e.f, f.f), channel, tile);
}

fn store_column(column: u32, values: Six, channel: u32, tile: u32) {
    let transformed = input_transform(values);
    let at = (column * params.channels_in + channel) * params.tile_stride + tile;
    let row = 6u * params.channels_in * params.tile_stride;
    input_tiles[at] = real(transformed.a);
    input_tiles[at + row] = real(transformed.b);
    input_tiles[at + 2u * row] = real(transformed.c);
    input_tiles[at + 3u * row] = real(transformed.d);
    input_tiles[at + 4u * row] = real(transformed.e);
    input_tiles[at + 5u * row] = real(transformed.f);
}
