// Computes a convolution by its definition, for any square kernel, stride, dilation, zero padding and number of groups:
// one invocation per result. It serves where Winograd's transform does not apply or gains nothing.

struct Params {
    width: u32,
    height: u32,
    out_width: u32,
    out_height: u32,
    // Channels of one group, in and out.
    group_in: u32,
    group_out: u32,
    kernel: u32,
    stride: u32,
    dilation: u32,
    // Zeros left of the first column and above the first row.
    pad_left: u32,
    pad_top: u32,
    activation: u32,
    has_residual: u32,
}

var<immediate> params: Params;
// `[groups * group_in, height, width]`
@group(0) @binding(0) var<storage, read> input: array<f32>;
// `[channels_out, group_in, kernel, kernel]`
@group(0) @binding(1) var<storage, read> weights: array<f32>;
// `[channels_out]`
@group(0) @binding(2) var<storage, read> bias: array<f32>;
// `[channels_out, out_height, out_width]`, as `output`; read only if `has_residual`.
@group(0) @binding(3) var<storage, read> residual: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let count = params.out_width * params.out_height;
    if (id.x >= count) {
        return;
    }
    let cell = vec2<u32>(id.x % params.out_width, id.x / params.out_width);
    // Before the first row or column this wraps around to a number past the last one, where the padding is zero as
    // well.
    let first = params.stride * cell - vec2<u32>(params.pad_left, params.pad_top);
    let first_channel = id.y / params.group_out * params.group_in;
    let taps = params.kernel * params.kernel;
    var sum = bias[id.y];
    for (var c = 0u; c < params.group_in; c++) {
        for (var tap = 0u; tap < taps; tap++) {
            let at = first + params.dilation * vec2<u32>(tap % params.kernel, tap / params.kernel);
            if (at.x < params.width && at.y < params.height) {
                let value = input[((first_channel + c) * params.height + at.y) * params.width + at.x];
                sum += value * weights[(id.y * params.group_in + c) * taps + tap];
            }
        }
    }
    let at = id.y * count + id.x;
    var value = activate(sum, params.activation);
    if (params.has_residual != 0u) {
        value += residual[at];
    }
    output[at] = value;
}
