// Where the subject is solid, and what of it is missing: four planes to be blurred.

struct Params {
    side: u32,
    half: f32,
    // A hole is filled where 1 less the guide's least is at most this, or its area at most this share of the photo.
    doubt: f32,
    share: f32,
    contradict: f32,
    guided: u32,
    reach: u32,
    // Of the photo.
    pixels: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> scene: Scene;
// `[side, side]`: matte, guide, certain, glance.
@group(0) @binding(2) var<storage, read> seen: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> labels: array<u32>;
@group(0) @binding(4) var<storage, read> traits: array<u32>;
// `[side, side]`: solid, the matte there.
@group(0) @binding(5) var<storage, read_write> spread: array<vec2<f32>>;
// `[side, side]`: solid or filled, what is missing there.
@group(0) @binding(6) var<storage, read_write> soft: array<vec2<f32>>;
// 1 where a hole is filled, or beside one.
@group(0) @binding(7) var<storage, read_write> fill: array<u32>;

fn listens() -> bool {
    let counts = 5u * params.side * params.side;
    let agree = f32(traits[counts]) >= params.contradict * f32(traits[counts + 1u]);
    return params.guided != 0u && scene.people != 0u && agree;
}

fn is_hole(at: u32) -> bool {
    return labels[at] != NONE && traits[labels[at]] == 0u;
}

fn is_filled(at: u32, guided: bool) -> bool {
    let pixels = params.side * params.side;
    if (!is_hole(at)) {
        return false;
    }
    let doubt = bitcast<f32>(traits[pixels + labels[at]]);
    // The plane lies over the window, which is a part of the photo.
    let limit = params.share * (f32(params.pixels) / f32(scene.width * scene.height));
    let area = f32(traits[2u * pixels + labels[at]]) / f32(pixels);
    return (guided && doubt <= params.doubt) || area <= limit;
}

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.side || id.y >= params.side) {
        return;
    }
    let pixels = params.side * params.side;
    let at = id.y * params.side + id.x;
    let guided = listens();
    let filled = is_filled(at, guided);
    let outside = labels[pixels + at];
    let within = outside == NONE || traits[3u * pixels + outside] == 0u;
    let certain = guided && seen[at].z > params.half;
    let solid = certain && within && (!is_hole(at) || filled);
    var near = false;
    for (var dy = 0u; dy <= 2u * params.reach; dy++) {
        for (var dx = 0u; dx <= 2u * params.reach; dx++) {
            let x = id.x + dx;
            let y = id.y + dy;
            let inside = x >= params.reach && y >= params.reach
                && x < params.side + params.reach && y < params.side + params.reach;
            if (inside && !near) {
                near = is_filled((y - params.reach) * params.side + x - params.reach, guided);
            }
        }
    }
    // A thin rim must not let what is filled out of the subject.
    near = near && within;
    let matte = seen[at].x;
    let weight = select(0.0, 1.0, solid);
    let cover = select(0.0, 1.0, solid || near);
    spread[at] = vec2<f32>(weight, weight * select(matte, 1.0, filled));
    soft[at] = vec2<f32>(cover, cover * (1.0 - matte));
    fill[at] = select(0u, 1u, near);
}
