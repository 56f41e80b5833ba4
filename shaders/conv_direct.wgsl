// A convolution of few channels as it is defined, by square kernels of odd side, padded by zeros: the networks' first
// layer, which halves the picture, and their last, of single pixels. One invocation a result.

struct Params {
    width: u32,
    height: u32,
    out_width: u32,
    out_height: u32,
    channels_in: u32,
    side: u32,
    stride: u32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// read_write: slices of one page of burn's pool may be bound twice.
@group(0) @binding(1) var<storage, read_write> planes: array<f32>;
@group(0) @binding(2) var<storage, read_write> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let count = params.out_width * params.out_height;
    if (id.x >= count) {
        return;
    }
    // Before the first row or column this wraps around to one that is past the last.
    let first = params.stride * vec2<u32>(id.x % params.out_width, id.x / params.out_width) - params.side / 2u;
    let taps = params.side * params.side;
    var sum = bias[id.y];
    for (var c = 0u; c < params.channels_in; c++) {
        for (var tap = 0u; tap < taps; tap++) {
            let at = first + vec2<u32>(tap % params.side, tap / params.side);
            if (at.x < params.width && at.y < params.height) {
                let value = planes[(c * params.height + at.y) * params.width + at.x];
                sum += value * weights[(id.y * params.channels_in + c) * taps + tap];
            }
        }
    }
    out[id.y * count + id.x] = sum;
}
