// The noise's deviation from the histogram of differences. One invocation works.

struct Params {
    bins_a_tone: f32,
    median: f32,
    texture: f32,
    luma: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> counts: array<u32, 256>;
// Of one channel in 0..1.
@group(0) @binding(2) var<storage, read_write> level: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) me: u32) {
    if (me != 0u) {
        return;
    }
    var total = 0u;
    for (var bin = 0u; bin < 256u; bin++) {
        total += counts[bin];
    }
    let half = (total + 1u) / 2u;
    var below = 0u;
    var tones = 0.0;
    for (var bin = 0u; bin < 256u; bin++) {
        below += counts[bin];
        if (below >= half) {
            // The first bin holds photos without noise.
            if (bin > 0u) {
                tones = (f32(bin) + 0.5) / params.bins_a_tone / params.median;
            }
            break;
        }
    }
    level[0] = sqrt(max(tones * tones - params.texture * params.texture, 0.0)) / params.luma / 255.0;
}
