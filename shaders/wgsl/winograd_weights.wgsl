// Transforms the weights of a 3x3 convolution for winograd_gemm, once per network: one invocation a pair of channels.

struct Params {
    channels_in: u32,
    channels_out: u32,
    // channels_out, rounded up to a multiple of 4.
    padded_out: u32,
}

var<immediate> params: Params;
// `[channels_out, channels_in, 3, 3]`
@group(0) @binding(0) var<storage, read> weights: array<f32>;
// `[36, channels_in, padded_out]`; the padding is 0.
@group(0) @binding(1) var<storage, read_write> transformed: array<Real>;

fn weight_column(kernel: u32, column: u32) -> Six {
    return weight_transform(vec3<f32>(weights[kernel + column], weights[kernel + 3u + column], weights[kernel + 6u + column]));
}

// Transforms row `row` of the columns, and stores it.
fn store_row(row: u32, values: vec3<f32>, out: u32, channel: u32) {
    let transformed_row = weight_transform(values);
    let at = (6u * row * params.channels_in + channel) * params.padded_out + out;
    let point = params.channels_in * params.padded_out;
    transformed[at] = real(transformed_row.a);
    transformed[at + point] = real(transformed_row.b);
    transformed[at + 2u * point] = real(transformed_row.c);
    transformed[at + 3u * point] = real(transformed_row.d);
    transformed[at + 4u * point] = real(transformed_row.e);
    transformed[at + 5u * point] = real(transformed_row.f);
}

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.padded_out) {
        return;
    }
    var left = Six();
    var middle = Six();
    var right = Six();
    if (id.x < params.channels_out) {
        let kernel = (id.x * params.channels_in + id.y) * 9u;
        left = weight_column(kernel, 0u);
        middle = weight_column(kernel, 1u);
        right = weight_column(kernel, 2u);
    }
    store_row(0u, vec3<f32>(left.a, middle.a, right.a), id.x, id.y);
    store_row(1u, vec3<f32>(left.b, middle.b, right.b), id.x, id.y);
    store_row(2u, vec3<f32>(left.c, middle.c, right.c), id.x, id.y);
    store_row(3u, vec3<f32>(left.d, middle.d, right.d), id.x, id.y);
    store_row(4u, vec3<f32>(left.e, middle.e, right.e), id.x, id.y);
    store_row(5u, vec3<f32>(left.f, middle.f, right.f), id.x, id.y);
}
