// Computes how the matte is repaired: a gain, a floor, and what is kept of the result.

struct Params {
    // Ramps, each smooth from 0 to 1: of the mean of the matte in the interior, of the fraction of interior around, of
    // the fraction of cover, of what the matte lacks, and of 1 minus the mean in the interior.
    trust: vec2<f32>,
    near: vec2<f32>,
    solid: vec2<f32>,
    missing: vec2<f32>,
    need: vec2<f32>,
    side: u32,
    // Whether only the largest subject is kept.
    largest: u32,
}

var<immediate> params: Params;
// `[side, side]`, blurred: the solid interior, and the matte there.
@group(0) @binding(0) var<storage, read> interior: array<vec2<f32>>;
// `[side, side]`, blurred less: interior and filled holes, and what the matte lacks there.
@group(0) @binding(1) var<storage, read> cover: array<vec2<f32>>;
// `[side, side]`: 1 where a hole is filled, and at its rim.
@group(0) @binding(2) var<storage, read> filled: array<u32>;
// `[side, side]`, blurred: 1 over the largest subject. Read only if `largest` is not 0.
@group(0) @binding(3) var<storage, read> kept: array<vec2<f32>>;
// `[side, side]`: gain, floor, keep.
@group(0) @binding(4) var<storage, read_write> gain_map: array<vec4<f32>>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.side || id.y >= params.side) {
        return;
    }
    let index = id.y * params.side + id.x;
    let mean = interior[index].y / max(interior[index].x, 1e-4);
    let trust = smooth_ramp(mean, params.trust) * smooth_ramp(interior[index].x, params.near);
    let inside = clamp(mean, params.trust.x, 1.0);
    let gain = 1.0 + (1.0 / inside - 1.0) * trust * smooth_ramp(1.0 - inside, params.need);
    let floor = smooth_ramp(cover[index].x, params.solid)
        * select(trust, 1.0, filled[index] != 0u)
        * smooth_ramp(cover[index].y, params.missing);
    var keep = 1.0;
    if (params.largest != 0u) {
        keep = kept[index].x;
    }
    gain_map[index] = vec4<f32>(gain, floor, keep, 0.0);
}
