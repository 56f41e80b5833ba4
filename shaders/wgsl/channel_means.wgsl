// Computes the mean of each channel: one workgroup a channel.

struct Params {
    // Of one channel.
    pixels: u32,
}

var<immediate> params: Params;
// `[channels, pixels]`
@group(0) @binding(0) var<storage, read> input: array<f32>;
// `[channels]`
@group(0) @binding(1) var<storage, read_write> means: array<f32>;

var<workgroup> sums: array<f32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    var sum = 0.0;
    for (var i = lane; i < params.pixels; i += 256u) {
        sum += input[group.x * params.pixels + i];
    }
    sums[lane] = sum;
    workgroupBarrier();
    for (var half = 128u; half > 0u; half /= 2u) {
        if (lane < half) {
            sums[lane] += sums[lane + half];
        }
        workgroupBarrier();
    }
    if (lane == 0u) {
        means[group.x] = sums[0] / f32(params.pixels);
    }
}
