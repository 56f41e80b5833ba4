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

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.padded_out) {
        return;
    }
    let kernel = (id.x * params.channels_in + id.y) * 9u;
    var columns: array<array<f32, 6>, 3>;
    for (var x = 0u; x < 3u; x++) {
        var column = vec3<f32>();
        if (id.x < params.channels_out) {
            column = vec3<f32>(weights[kernel + x], weights[kernel + 3u + x], weights[kernel + 6u + x]);
        }
        columns[x] = weight_transform(column);
    }
    for (var i = 0u; i < 6u; i++) {
        let row = weight_transform(vec3<f32>(columns[0][i], columns[1][i], columns[2][i]));
        for (var j = 0u; j < 6u; j++) {
            transformed[((i * 6u + j) * params.channels_in + id.y) * params.padded_out + id.x] = real(row[j]);
        }
    }
}
