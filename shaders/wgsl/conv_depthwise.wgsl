// Convolves each channel with a kernel of its own, for any square kernel, stride, dilation and zero padding: one
// invocation per result.

struct Params {
    width: u32,
    height: u32,
    out_width: u32,
    out_height: u32,
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
// `[channels, height, width]`
@group(0) @binding(0) var<storage, read> input: array<f32>;
// `[channels, 1, kernel, kernel]`
@group(0) @binding(1) var<storage, read> weights: array<f32>;
// `[channels]`
@group(0) @binding(2) var<storage, read> bias: array<f32>;
// `[channels, out_height, out_width]`, as `output`; read only if `has_residual`.
@group(0) @binding(3) var<storage, read> residual: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.out_width || id.y >= params.out_height) {
        return;
    }
    // Before the first row or column this wraps around to a number past the last one, where the padding is zero as
    // well.
    let first = params.stride * id.xy - vec2<u32>(params.pad_left, params.pad_top);
    let plane = id.z * params.width * params.height;
    var weight = id.z * params.kernel * params.kernel;
    var sum = bias[id.z];
    for (var y = 0u; y < params.kernel; y++) {
        let row = first.y + params.dilation * y;
        for (var x = 0u; x < params.kernel; x++) {
            let column = first.x + params.dilation * x;
            if (row < params.height && column < params.width) {
                sum += input[plane + row * params.width + column] * weights[weight];
            }
            weight += 1u;
        }
    }
    let at = (id.z * params.out_height + id.y) * params.out_width + id.x;
    var value = activate(sum, params.activation);
    if (params.has_residual != 0u) {
        value += residual[at];
    }
    output[at] = value;
}
