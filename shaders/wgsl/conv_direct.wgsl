// Computes a convolution of one group by its definition, for any square kernel, stride, dilation and zero padding. It
// serves where Winograd's transform does not apply or gains nothing.
//
// One invocation computes a pixel in eight output channels: each input value is read once for eight products, and each
// weight is the same for the whole workgroup.

struct Params {
    width: u32,
    height: u32,
    out_width: u32,
    out_height: u32,
    channels_in: u32,
    channels_out: u32,
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
// `[channels_in, height, width]`
@group(0) @binding(0) var<storage, read> input: array<f32>;
// `[channels_out, channels_in, kernel, kernel]`
@group(0) @binding(1) var<storage, read> weights: array<f32>;
// `[channels_out]`
@group(0) @binding(2) var<storage, read> bias: array<f32>;
// `[channels_out, out_height, out_width]`, as `output`; read only if `has_residual`.
@group(0) @binding(3) var<storage, read> residual: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let cell = id.xy;
    if (cell.x >= params.out_width || cell.y >= params.out_height) {
        return;
    }
    // Before the first row or column this wraps around to a number past the last one, where the padding is zero as
    // well.
    let first = params.stride * cell - vec2<u32>(params.pad_left, params.pad_top);
    let channel = 8u * id.z;
    // Weights of an output channel. Past the last channel, those of the last are read, and the sums are not stored.
    let filter_size = params.channels_in * params.kernel * params.kernel;
    let last = params.channels_out - 1u;
    let low = filter_size * min(channel + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(last));
    let high = filter_size * min(channel + vec4<u32>(4u, 5u, 6u, 7u), vec4<u32>(last));
    var low_sums = vec4<f32>();
    var high_sums = vec4<f32>();
    var weight = 0u;
    var plane = 0u;
    for (var c = 0u; c < params.channels_in; c++) {
        for (var y = 0u; y < params.kernel; y++) {
            let row = first.y + params.dilation * y;
            for (var x = 0u; x < params.kernel; x++) {
                let column = first.x + params.dilation * x;
                if (row < params.height && column < params.width) {
                    let value = input[plane + row * params.width + column];
                    low_sums += value * vec4<f32>(
                        weights[low.x + weight],
                        weights[low.y + weight],
                        weights[low.z + weight],
                        weights[low.w + weight],
                    );
                    high_sums += value * vec4<f32>(
                        weights[high.x + weight],
                        weights[high.y + weight],
                        weights[high.z + weight],
                        weights[high.w + weight],
                    );
                }
                weight += 1u;
            }
        }
        plane += params.width * params.height;
    }
    let pixel = cell.y * params.out_width + cell.x;
    let pixels = params.out_width * params.out_height;
    store(low_sums.x, channel, pixel, pixels);
    store(low_sums.y, channel + 1u, pixel, pixels);
    store(low_sums.z, channel + 2u, pixel, pixels);
    store(low_sums.w, channel + 3u, pixel, pixels);
    store(high_sums.x, channel + 4u, pixel, pixels);
    store(high_sums.y, channel + 5u, pixel, pixels);
    store(high_sums.z, channel + 6u, pixel, pixels);
    store(high_sums.w, channel + 7u, pixel, pixels);
}
