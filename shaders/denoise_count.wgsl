// Counts the diagonal differences of luma in blocks of two by two pixels: the histogram that tells the noise.

struct Params {
    luma: vec3<f32>,
    // Blocks in a row, and rows of blocks.
    columns: u32,
    rows: u32,
    width: u32,
    photo_skip: u32,
    matte_skip: u32,
    has_matte: u32,
    // Blocks count whose alpha is larger.
    above: f32,
    bins_a_tone: f32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> photo: array<u32>;
@group(0) @binding(2) var<storage, read> matte: array<f32>;
@group(0) @binding(3) var<storage, read_write> counts: array<atomic<u32>, 256>;

var<workgroup> own: array<atomic<u32>, 256>;

fn luma_at(at: u32) -> f32 {
    return dot(unpack4x8unorm(photo[params.photo_skip + at]).rgb, params.luma) * 255.0;
}

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) me: u32) {
    if (id.x < params.columns && id.y < params.rows) {
        let at = 2u * id.y * params.width + 2u * id.x;
        let below = at + params.width;
        if (straight_at(at).a > params.above) {
            let diagonal = (luma_at(at) - luma_at(at + 1u) - luma_at(below) + luma_at(below + 1u)) / 2.0;
            atomicAdd(&own[min(u32(abs(diagonal) * params.bins_a_tone), 255u)], 1u);
        }
    }
    workgroupBarrier();
    let count = atomicLoad(&own[me]);
    if (count > 0u) {
        atomicAdd(&counts[me], count);
    }
}
