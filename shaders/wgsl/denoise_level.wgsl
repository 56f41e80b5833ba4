// Estimates the standard deviation of the noise from the histogram of differences. A single invocation does the work.

struct Params {
    // Bins per tone of 255.
    bins_per_tone: f32,
    // The ratio of the median absolute difference to the standard deviation.
    median: f32,
    // What the texture of clean photos looks like, as a standard deviation of luma in tones.
    texture: f32,
    // The standard deviation of luma where that of each channel is 1.
    luma_deviation: f32,
}

var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> histogram: array<u32, 256>;
// One number: the standard deviation of a channel, in 0..1.
@group(0) @binding(1) var<storage, read_write> noise: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) local_index: u32) {
    if (local_index != 0u) {
        return;
    }
    var total = 0u;
    for (var bin = 0u; bin < 256u; bin++) {
        total += histogram[bin];
    }
    let half = (total + 1u) / 2u;
    var cumulative = 0u;
    var tones = 0.0;
    for (var bin = 0u; bin < 256u; bin++) {
        cumulative += histogram[bin];
        if (cumulative >= half) {
            // A median in the first bin means a photo without noise.
            if (bin > 0u) {
                tones = (f32(bin) + 0.5) / params.bins_per_tone / params.median;
            }
            break;
        }
    }
    noise[0] = sqrt(max(tones * tones - params.texture * params.texture, 0.0)) / params.luma_deviation / 255.0;
}
