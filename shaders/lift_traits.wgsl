// What is known of each hole and each subject, gathered under its label; and how far guide and matte agree.

struct Params {
    side: u32,
    half: f32,
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// `[side, side]`: matte, guide, certain, glance.
@group(0) @binding(1) var<storage, read> seen: array<vec4<f32>>;
// Three planes: what is not subject, what is outside, what is subject.
@group(0) @binding(2) var<storage, read> labels: array<u32>;
// Six planes, cleared: a hole is open; 1 less how sure the guide is of it at least, as bits; its area; the outside is
// open; a subject's area; and the counts of pixels that guide and matte share, and that either has.
@group(0) @binding(3) var<storage, read_write> traits: array<atomic<u32>>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.side || id.y >= params.side) {
        return;
    }
    let pixels = params.side * params.side;
    let at = id.y * params.side + id.x;
    let border = id.x == 0u || id.y == 0u || id.x == params.side - 1u || id.y == params.side - 1u;
    let hole = labels[at];
    if (hole != NONE) {
        if (border) {
            atomicStore(&traits[hole], 1u);
        }
        // The order of floats that are not negative is the order of their bits.
        atomicMax(&traits[pixels + hole], bitcast<u32>(max(1.0 - seen[at].y, 0.0)));
        atomicAdd(&traits[2u * pixels + hole], 1u);
    }
    let outside = labels[pixels + at];
    if (outside != NONE && border) {
        atomicStore(&traits[3u * pixels + outside], 1u);
    }
    let subject = labels[2u * pixels + at];
    let solid = seen[at].x > params.half;
    if (subject != NONE && solid) {
        atomicAdd(&traits[4u * pixels + subject], 1u);
    }
    let sure = seen[at].y > params.half;
    if (sure && solid) {
        atomicAdd(&traits[5u * pixels], 1u);
    }
    if (sure || solid) {
        atomicAdd(&traits[5u * pixels + 1u], 1u);
    }
}
