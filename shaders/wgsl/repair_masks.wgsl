// Marks the solid interior of the subject and the holes to fill: four planes that are blurred next.

struct Params {
    side: u32,
    subject_alpha: f32,
    // A hole is filled if 1 - confidence is at most this everywhere,
    max_doubt: f32,
    // or if its area is at most this fraction of the scene.
    max_hole_fraction: f32,
    // Prior and matte contradict each other below this intersection over union.
    min_iou: f32,
    // Whether guidance is on.
    guidance: u32,
    // What is filled extends this far into the rim of the hole, in pixels of the plane.
    radius: u32,
    // If a region that touches the border lacks more than this fraction of the core, that is restored,
    max_lacking: f32,
    // and as far around it where person and coarse matte are subject, in pixels of the plane.
    restore_radius: u32,
    // Pixels of the scene.
    scene_pixels: u32,
}

var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> roi: Roi;
// `[side, side]`: matte, person confidence, core, coarse matte.
@group(0) @binding(1) var<storage, read> low_res: array<vec4<f32>>;
// Three planes of labels: components of pixels that are not subject, of those outside of it, of those inside it.
@group(0) @binding(2) var<storage, read> labels: array<u32>;
// Seven planes, as `repair_regions` stores them.
@group(0) @binding(3) var<storage, read> regions: array<u32>;
// `[side, side]`: 1 in the solid interior, and the matte there.
@group(0) @binding(4) var<storage, read_write> interior: array<vec2<f32>>;
// `[side, side]`: 1 in the interior and where a hole is filled, and what the matte lacks there.
@group(0) @binding(5) var<storage, read_write> cover: array<vec2<f32>>;
// `[side, side]`: 1 where a hole is filled, and at its rim, and where the core is restored.
@group(0) @binding(6) var<storage, read_write> filled: array<u32>;

fn is_prior_trusted() -> bool {
    let counts = 5u * params.side * params.side;
    let agrees = f32(regions[counts]) >= params.min_iou * f32(regions[counts + 1u]);
    return params.guidance != 0u && roi.person_present != 0u && agrees;
}

fn is_hole(index: u32) -> bool {
    return labels[index] != NONE && regions[labels[index]] == 0u;
}

fn is_filled(index: u32, trusted: bool) -> bool {
    let pixels = params.side * params.side;
    if (!is_hole(index)) {
        return false;
    }
    let doubt = bitcast<f32>(regions[pixels + labels[index]]);
    // The plane covers the ROI, which is a part of the scene.
    let limit = params.max_hole_fraction * (f32(params.scene_pixels) / f32(roi.width * roi.height));
    let area = f32(regions[2u * pixels + labels[index]]) / f32(pixels);
    return (trusted && doubt <= params.max_doubt) || area <= limit;
}

// Returns whether the matte lacks the core somewhere within the radius around a pixel, in a region that touches the
// border and lacks much of it.
fn is_near_lacking(x: u32, y: u32) -> bool {
    let pixels = params.side * params.side;
    let max_count = params.max_lacking * f32(regions[5u * pixels + 2u]);
    let last = params.side - 1u;
    let radius = params.restore_radius;
    for (var row = max(y, radius) - radius; row <= min(y + radius, last); row++) {
        for (var column = max(x, radius) - radius; column <= min(x + radius, last); column++) {
            let source = row * params.side + column;
            let label = labels[source];
            if (label == NONE || low_res[source].z <= params.subject_alpha) {
                continue;
            }
            if (regions[label] != 0u && f32(regions[6u * pixels + label]) > max_count) {
                return true;
            }
        }
    }
    return false;
}

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.side || id.y >= params.side) {
        return;
    }
    let pixels = params.side * params.side;
    let index = id.y * params.side + id.x;
    let trusted = is_prior_trusted();
    let in_hole = is_filled(index, trusted);
    let outside = labels[pixels + index];
    let within = outside == NONE || regions[3u * pixels + outside] == 0u;
    let in_core = trusted && low_res[index].z > params.subject_alpha;
    let solid = in_core && within && (!is_hole(index) || in_hole);
    var near_filled = false;
    for (var dy = 0u; dy <= 2u * params.radius; dy++) {
        for (var dx = 0u; dx <= 2u * params.radius; dx++) {
            let x = id.x + dx;
            let y = id.y + dy;
            let inside = x >= params.radius && y >= params.radius
                && x < params.side + params.radius && y < params.side + params.radius;
            if (inside && !near_filled) {
                near_filled = is_filled((y - params.radius) * params.side + x - params.radius, trusted);
            }
        }
    }
    // Filling must not leave the subject through a thin rim.
    near_filled = near_filled && within;
    let is_person = low_res[index].y > params.subject_alpha && low_res[index].w > params.subject_alpha;
    if (trusted && is_person && (!is_hole(index) || in_hole)) {
        near_filled = near_filled || is_near_lacking(id.x, id.y);
    }
    let matte = low_res[index].x;
    let weight = select(0.0, 1.0, solid);
    let coverage = select(0.0, 1.0, solid || near_filled);
    interior[index] = vec2<f32>(weight, weight * select(matte, 1.0, in_hole));
    cover[index] = vec2<f32>(coverage, coverage * (1.0 - matte));
    filled[index] = select(0u, 1u, near_filled);
}
