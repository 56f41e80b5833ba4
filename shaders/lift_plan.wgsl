// What becomes of the matte: a gain, a floor, and what is kept of it.

struct Params {
    trust: vec2<f32>,
    near: vec2<f32>,
    solid: vec2<f32>,
    missing: vec2<f32>,
    need: vec2<f32>,
    side: u32,
    largest: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// Blurred, `[side, side]`: solid, the matte there.
@group(0) @binding(1) var<storage, read> spread: array<vec2<f32>>;
// Blurred less: solid or filled, what is missing there.
@group(0) @binding(2) var<storage, read> soft: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> fill: array<u32>;
@group(0) @binding(4) var<storage, read> keep: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> plan: array<vec4<f32>>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.side || id.y >= params.side) {
        return;
    }
    let at = id.y * params.side + id.x;
    let mean = spread[at].y / max(spread[at].x, 1e-4);
    let trust = smooth_ramp(mean, params.trust) * smooth_ramp(spread[at].x, params.near);
    let inside = clamp(mean, params.trust.x, 1.0);
    let gain = 1.0 + (1.0 / inside - 1.0) * trust * smooth_ramp(1.0 - inside, params.need);
    let floor = smooth_ramp(soft[at].x, params.solid)
        * select(trust, 1.0, fill[at] != 0u)
        * smooth_ramp(soft[at].y, params.missing);
    var kept = 1.0;
    if (params.largest != 0u) {
        kept = keep[at].x;
    }
    plan[at] = vec4<f32>(gain, floor, kept, 0.0);
}
