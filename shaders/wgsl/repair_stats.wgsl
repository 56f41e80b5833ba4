// Counts the statistics from which the uncertainty of the matte is computed: `MatteStats`.

struct Params {
    side: u32,
    // Side of the matte, and weights per output along one axis.
    size: u32,
    taps: u32,
    // The matte is subject above the first, and soft from the second to 1 minus the second.
    subject_alpha: f32,
    soft_margin: f32,
    // Whether guidance is on.
    guidance: u32,
    // What an alpha of 1 counts in the sums.
    unit: f32,
    // The scene, in pixels of the photo.
    left: u32,
    top: u32,
    width: u32,
    height: u32,
    // The person is certain where the confidence within this radius is larger than `min_confidence`.
    radius: u32,
    min_confidence: f32,
}

var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> roi: Roi;
// The first input of each output, and `taps` weights for it.
@group(0) @binding(1) var<storage, read> first: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
// `[size, size]`
@group(0) @binding(3) var<storage, read> matte: array<f32>;
// `[side, side]`: the matte before the repair, person confidence, core, coarse matte.
@group(0) @binding(4) var<storage, read> low_res: array<vec4<f32>>;
// Zeroed. The fields of `MatteStats`: person present, soft pixels, subject pixels, disagreement, union of alpha,
// intersection, union, clipped, lacking.
@group(0) @binding(5) var<storage, read_write> stats: array<atomic<u32>, 9>;

// Returns whether the confidence is high all around a pixel.
fn is_certain_person(x: u32, y: u32) -> bool {
    let last = params.side - 1u;
    let radius = params.radius;
    for (var row = max(y, radius) - radius; row <= min(y + radius, last); row++) {
        for (var column = max(x, radius) - radius; column <= min(x + radius, last); column++) {
            if (low_res[row * params.side + column].y <= params.min_confidence) {
                return false;
            }
        }
    }
    return true;
}

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.side || id.y >= params.side) {
        return;
    }
    var value = 0.0;
    for (var j = 0u; j < params.taps; j++) {
        let row = min(first[id.y] + j, params.size - 1u) * params.size;
        var sum = 0.0;
        for (var k = 0u; k < params.taps; k++) {
            sum += weights[id.x * params.taps + k] * matte[row + min(first[id.x] + k, params.size - 1u)];
        }
        value += weights[id.y * params.taps + j] * sum;
    }
    let index = id.y * params.side + id.x;
    let person_present = params.guidance != 0u && roi.person_present != 0u;
    if (index == 0u && person_present) {
        atomicStore(&stats[0], 1u);
    }
    let is_subject = value > params.subject_alpha;
    if (params.soft_margin < value && value < 1.0 - params.soft_margin) {
        atomicAdd(&stats[1], 1u);
    }
    if (is_subject) {
        atomicAdd(&stats[2], 1u);
    }
    let last = params.side - 1u;
    let is_clipped = (id.x == 0u && roi.left > params.left) || (id.y == 0u && roi.top > params.top)
        || (id.x == last && roi.left + roi.width < params.left + params.width)
        || (id.y == last && roi.top + roi.height < params.top + params.height);
    if (is_clipped && value > params.soft_margin) {
        atomicAdd(&stats[7], 1u);
    }
    let coarse_matte = low_res[index].w;
    atomicAdd(&stats[3], u32(abs(value - coarse_matte) * params.unit + 0.5));
    atomicAdd(&stats[4], u32(max(value, coarse_matte) * params.unit + 0.5));
    let confident = low_res[index].y > params.subject_alpha;
    if (person_present && confident && is_subject) {
        atomicAdd(&stats[5], 1u);
    }
    if (person_present && (confident || is_subject)) {
        atomicAdd(&stats[6], 1u);
    }
    if (person_present && !is_subject && is_certain_person(id.x, id.y)) {
        atomicAdd(&stats[8], 1u);
    }
}
