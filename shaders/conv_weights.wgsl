// The weights of a 3x3 convolution, transformed: once, when a network is first used.
// `weights` are `[channels_out, channels_in, 3, 3]`; what is written is `[36, channels_in, padded]`, 0 past channels_out.

struct Params {
    channels_in: u32,
    channels_out: u32,
    padded: u32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// read_write: slices of one page of burn's pool may be bound twice.
@group(0) @binding(1) var<storage, read_write> weights: array<f32>;
@group(0) @binding(2) var<storage, read_write> transformed: array<Real>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.padded) {
        return;
    }
    let at = (id.x * params.channels_in + id.y) * 9u;
    let there = id.x < params.channels_out;
    var half: array<array<f32, 6>, 3>;
    for (var x = 0u; x < 3u; x++) {
        var column = vec3<f32>();
        if (there) {
            column = vec3<f32>(weights[at + x], weights[at + 3u + x], weights[at + 6u + x]);
        }
        half[x] = winograd_weights(column);
    }
    for (var i = 0u; i < 6u; i++) {
        let row = winograd_weights(vec3<f32>(half[0][i], half[1][i], half[2][i]));
        for (var j = 0u; j < 6u; j++) {
            transformed[((i * 6u + j) * params.channels_in + id.y) * params.padded + id.x] = real(row[j]);
        }
    }
}
