// Multiplies each channel by a number of its own and adds another feature map: one invocation per result.

struct Params {
    // Of one channel.
    pixels: u32,
    has_addend: u32,
}

var<immediate> params: Params;
// `[channels, pixels]`
@group(0) @binding(0) var<storage, read> input: array<f32>;
// `[channels]`
@group(0) @binding(1) var<storage, read> scales: array<f32>;
// `[channels, pixels]`; read only if `has_addend`.
@group(0) @binding(2) var<storage, read> addend: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.pixels) {
        return;
    }
    let at = id.y * params.pixels + id.x;
    var value = input[at] * scales[id.y];
    if (params.has_addend != 0u) {
        value += addend[at];
    }
    output[at] = value;
}
