// As winograd_output, for convolutions without dilation of feature maps whose width is a multiple of four: the four
// results of a row are stored at a time.

// `[36, channels_out, tile_stride]`
@group(0) @binding(0) var<storage, read> products: array<f32>;
// `[channels_out]`
@group(0) @binding(1) var<storage, read> bias: array<f32>;
// `[channels_out, height, width / 4]`, as `output`; read only if `has_residual`.
@group(0) @binding(2) var<storage, read> residual: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4<f32>>;

// Transforms a row of the columns, and stores its four results.
fn store_row(columns: Six, channel: u32, x: u32, y: u32) {
    if (y >= params.height) {
        return;
    }
    let at = (channel * params.height + y) * (params.width / 4u) + x;
    let sums = output_transform(columns) + bias[channel];
    var values = vec4<f32>(
        activate(sums.x, params.activation),
        activate(sums.y, params.activation),
        activate(sums.z, params.activation),
        activate(sums.w, params.activation),
    );
    if (params.has_residual != 0u) {
        values += residual[at];
    }
    output[at] = values;
}

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.tile_count) {
        return;
    }
    let a = transformed_column(0u, id.y, id.x);
    let b = transformed_column(1u, id.y, id.x);
    let c = transformed_column(2u, id.y, id.x);
    let d = transformed_column(3u, id.y, id.x);
    let e = transformed_column(4u, id.y, id.x);
    let f = transformed_column(5u, id.y, id.x);
    let tile = params.first_tile + id.x;
    let x = tile % params.tiles_across;
    let y = 4u * (tile / params.tiles_across);
    store_row(Six(a.x, b.x, c.x, d.x, e.x, f.x), id.y, x, y);
    store_row(Six(a.y, b.y, c.y, d.y, e.y, f.y), id.y, x, y + 1u);
    store_row(Six(a.z, b.z, c.z, d.z, e.z, f.z), id.y, x, y + 2u);
    store_row(Six(a.w, b.w, c.w, d.w, e.w, f.w), id.y, x, y + 3u);
}
