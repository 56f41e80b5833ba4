// Transforms the products of winograd_gemm back to 4x4 results, adds the bias, and applies the epilogue: one invocation
// a tile and channel.

// `[36, channels_out, tile_stride]`
@group(0) @binding(0) var<storage, read> products: array<f32>;
// `[channels_out]`
@group(0) @binding(1) var<storage, read> bias: array<f32>;
// `[channels_out, height, width]`, as `output`; read only if `has_residual`.
@group(0) @binding(2) var<storage, read> residual: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;

fn store_pixel(sum: f32, channel: u32, x: u32, y: u32) {
    if (x < params.width) {
        store(sum, channel, y * params.width + x, params.width * params.height);
    }
}

// Transforms a row of the columns, and stores its four results.
fn store_row(columns: Six, channel: u32, x: u32, y: u32) {
    if (y >= params.height) {
        return;
    }
    let row = output_transform(columns);
    store_pixel(row.x, channel, x, y);
    store_pixel(row.y, channel, x + params.dilation, y);
    store_pixel(row.z, channel, x + 2u * params.dilation, y);
    store_pixel(row.w, channel, x + 3u * params.dilation, y);
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
    let origin = tile_origin(params.first_tile + id.x, params.tiles_across, params.tiles_down, params.dilation);
    store_row(Six(a.x, b.x, c.x, d.x, e.x, f.x), id.y, origin.x, origin.y);
    store_row(Six(a.y, b.y, c.y, d.y, e.y, f.y), id.y, origin.x, origin.y + params.dilation);
    store_row(Six(a.z, b.z, c.z, d.z, e.z, f.z), id.y, origin.x, origin.y + 2u * params.dilation);
    store_row(Six(a.w, b.w, c.w, d.w, e.w, f.w), id.y, origin.x, origin.y + 3u * params.dilation);
}
