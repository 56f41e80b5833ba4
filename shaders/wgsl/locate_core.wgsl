// Marks the core of the person, and the mask whose connected components are the subject.

struct Params {
    side: u32,
    // A pixel is in the core if the confidence within this radius is larger than `min_confidence`, and the coarse matte
    // larger than `veto`.
    radius: u32,
    // Above this, a pixel of the confidence or of the coarse matte is subject.
    subject_alpha: f32,
    min_confidence: f32,
    veto: f32,
}

var<immediate> params: Params;
// `[side, side]`: probability that a pixel belongs to a person, in 0..1.
@group(0) @binding(0) var<storage, read> mask: array<f32>;
// `[side, side]`: person confidence, core, coarse matte. Holds only the coarse matte before.
@group(0) @binding(1) var<storage, read_write> prior: array<vec4<f32>>;
// `[side, side]`: the index of the pixel, or NONE outside the mask.
@group(0) @binding(2) var<storage, read_write> labels: array<u32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.side || id.y >= params.side) {
        return;
    }
    let index = id.y * params.side + id.x;
    var minimum = 1.0;
    for (var dy = 0u; dy <= 2u * params.radius; dy++) {
        let y = min(max(id.y + dy, params.radius) - params.radius, params.side - 1u);
        for (var dx = 0u; dx <= 2u * params.radius; dx++) {
            let x = min(max(id.x + dx, params.radius) - params.radius, params.side - 1u);
            minimum = min(minimum, mask[y * params.side + x]);
        }
    }
    let confidence = mask[index];
    let coarse_matte = prior[index].z;
    let core = select(0.0, 1.0, minimum > params.min_confidence && coarse_matte > params.veto);
    prior[index] = vec4<f32>(confidence, core, coarse_matte, 0.0);
    labels[index] = select(NONE, index, confidence > params.subject_alpha || coarse_matte > params.subject_alpha);
}
