// Gathers statistics of each hole and each subject under its label, and how far prior and matte agree.

struct Params {
    side: u32,
    subject_alpha: f32,
}

var<immediate> params: Params;
// `[side, side]`: matte, person confidence, core, coarse matte.
@group(0) @binding(0) var<storage, read> low_res: array<vec4<f32>>;
// Three planes of labels: components of pixels that are not subject, of those outside of it, of those inside it.
@group(0) @binding(1) var<storage, read> labels: array<u32>;
// Seven zeroed planes: 1 where a hole reaches the border; the maximum of 1 - confidence in it, as bits; its area; 1 where
// an outside reaches the border; the area of a subject; three counts (the intersection of prior and matte, their union,
// and the core of the person); the area of the core within a hole.
@group(0) @binding(2) var<storage, read_write> regions: array<atomic<u32>>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.side || id.y >= params.side) {
        return;
    }
    let pixels = params.side * params.side;
    let index = id.y * params.side + id.x;
    let border = id.x == 0u || id.y == 0u || id.x == params.side - 1u || id.y == params.side - 1u;
    let hole = labels[index];
    if (hole != NONE) {
        if (border) {
            atomicStore(&regions[hole], 1u);
        }
        // Non-negative floats have the same order as their bits.
        atomicMax(&regions[pixels + hole], bitcast<u32>(max(1.0 - low_res[index].y, 0.0)));
        atomicAdd(&regions[2u * pixels + hole], 1u);
    }
    let outside = labels[pixels + index];
    if (outside != NONE && border) {
        atomicStore(&regions[3u * pixels + outside], 1u);
    }
    let subject = labels[2u * pixels + index];
    let solid = low_res[index].x > params.subject_alpha;
    if (subject != NONE && solid) {
        atomicAdd(&regions[4u * pixels + subject], 1u);
    }
    let confident = low_res[index].y > params.subject_alpha;
    if (confident && solid) {
        atomicAdd(&regions[5u * pixels], 1u);
    }
    if (confident || solid) {
        atomicAdd(&regions[5u * pixels + 1u], 1u);
    }
    if (low_res[index].z > params.subject_alpha) {
        atomicAdd(&regions[5u * pixels + 2u], 1u);
        if (hole != NONE) {
            atomicAdd(&regions[6u * pixels + hole], 1u);
        }
    }
}
