// As winograd_input, for convolutions without dilation of feature maps whose width is a multiple of four: four pixels of
// a row are read at a time.

// `[channels, height, width / 4]`
@group(0) @binding(0) var<storage, read> first: array<vec4<f32>>;
// Read only if the first has not all channels.
@group(0) @binding(1) var<storage, read> second: array<vec4<f32>>;
// `[36, channels_in, tile_stride]`
@group(0) @binding(2) var<storage, read_write> input_tiles: array<Real>;

// Reads the six pixels of row `y` around quad `x` of a channel of both inputs, and transforms them. Pixels outside are
// zero.
fn transformed_row(channel: u32, x: u32, y: u32) -> Six {
    if (y >= params.height) {
        return Six();
    }
    let quads = params.width / 4u;
    let has_left = x > 0u;
    let has_right = x + 1u < quads;
    var left = 0.0;
    var right = 0.0;
    var middle: vec4<f32>;
    if (channel < params.first_channels) {
        let at = (channel * params.height + y) * quads + x;
        middle = first[at];
        if (has_left) {
            left = first[at - 1u].w;
        }
        if (has_right) {
            right = first[at + 1u].x;
        }
    } else {
        let at = ((channel - params.first_channels) * params.height + y) * quads + x;
        middle = second[at];
        if (has_left) {
            left = second[at - 1u].w;
        }
        if (has_right) {
            right = second[at + 1u].x;
        }
    }
    return input_transform(Six(left, middle.x, middle.y, middle.z, middle.w, right));
}

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.tile_count) {
        return;
    }
    let tile = params.first_tile + id.x;
    let x = tile % params.tiles_across;
    // Above the first row this wraps around to a number past the last one, where the padding is zero as well.
    let y = 4u * (tile / params.tiles_across) - 1u;
    let a = transformed_row(id.y, x, y);
    let b = transformed_row(id.y, x, y + 1u);
    let c = transformed_row(id.y, x, y + 2u);
    let d = transformed_row(id.y, x, y + 3u);
    let e = transformed_row(id.y, x, y + 4u);
    let f = transformed_row(id.y, x, y + 5u);
    store_columns(a, b, c, d, e, f, id.y, id.x);
}
