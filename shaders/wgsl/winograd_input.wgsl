// Transforms 6x6 input tiles of a 3x3 convolution for winograd_gemm: one invocation a tile and channel. Neighbours in a
// workgroup are neighbours in the feature map, so they share cached reads and write contiguously.

// `[channels, height, width]`
@group(0) @binding(0) var<storage, read> first: array<f32>;
// Read only if the first has not all channels.
@group(0) @binding(1) var<storage, read> second: array<f32>;
// `[36, channels_in, tile_stride]`
@group(0) @binding(2) var<storage, read_write> input_tiles: array<Real>;

// Reads pixel `x`, `y` of a channel of both inputs; zero outside.
fn input_at(channel: u32, x: u32, y: u32) -> f32 {
    if (x >= params.width || y >= params.height) {
        return 0.0;
    }
    let pixel = y * params.width + x;
    let pixels = params.width * params.height;
    if (channel < params.first_channels) {
        return first[channel * pixels + pixel];
    }
    return second[(channel - params.first_channels) * pixels + pixel];
}

// Reads six pixels of a row, and transforms them.
fn transformed_row(channel: u32, x: u32, y: u32) -> Six {
    return input_transform(Six(
        input_at(channel, x, y),
        input_at(channel, x + params.dilation, y),
        input_at(channel, x + 2u * params.dilation, y),
        input_at(channel, x + 3u * params.dilation, y),
        input_at(channel, x + 4u * params.dilation, y),
        input_at(channel, x + 5u * params.dilation, y),
    ));
}

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.tile_count) {
        return;
    }
    // Before the first row or column this wraps around to a number past the last one, where the padding is zero as well.
    let origin = tile_origin(params.first_tile + id.x, params.tiles_across, params.tiles_down, params.dilation)
        - params.dilation;
    let a = transformed_row(id.y, origin.x, origin.y);
    let b = transformed_row(id.y, origin.x, origin.y + params.dilation);
    let c = transformed_row(id.y, origin.x, origin.y + 2u * params.dilation);
    let d = transformed_row(id.y, origin.x, origin.y + 3u * params.dilation);
    let e = transformed_row(id.y, origin.x, origin.y + 4u * params.dilation);
    let f = transformed_row(id.y, origin.x, origin.y + 5u * params.dilation);
    store_columns(a, b, c, d, e, f, id.y, id.x);
}
