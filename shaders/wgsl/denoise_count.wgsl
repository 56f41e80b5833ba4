// Counts the diagonal differences of luma in 2x2 blocks: the histogram from which the noise is estimated.

struct Params {
    // Weights of the channels.
    luma: vec3<f32>,
    // Blocks per row, and rows of blocks in this dispatch.
    columns: u32,
    rows: u32,
    // Pixels per row of the photo.
    width: u32,
    photo_offset: u32,
    matte_offset: u32,
    has_matte: u32,
    // A block counts if the alpha of its first pixel is larger than this.
    alpha_above: f32,
    // Bins per tone of 255.
    bins_per_tone: f32,
    pad: u32,
}

var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> photo: array<u32>;
@group(0) @binding(1) var<storage, read> matte: array<f32>;
@group(0) @binding(2) var<storage, read_write> histogram: array<atomic<u32>, 256>;

var<workgroup> local_histogram: array<atomic<u32>, 256>;

fn luma_at(index: u32) -> f32 {
    return dot(unpack4x8unorm(photo[params.photo_offset + index]).rgb, params.luma) * 255.0;
}

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) local_index: u32) {
    if (id.x < params.columns && id.y < params.rows) {
        let index = 2u * id.y * params.width + 2u * id.x;
        let below = index + params.width;
        if (straight_at(index).a > params.alpha_above) {
            let diagonal = (luma_at(index) - luma_at(index + 1u) - luma_at(below) + luma_at(below + 1u)) / 2.0;
            atomicAdd(&local_histogram[min(u32(abs(diagonal) * params.bins_per_tone), 255u)], 1u);
        }
    }
    workgroupBarrier();
    let count = atomicLoad(&local_histogram[local_index]);
    if (count > 0u) {
        atomicAdd(&histogram[local_index], count);
    }
}
