// Mirrors the coarse matte back, stretches it to 0..1, and resizes it to the plane of the prior.

struct Params {
    // Side of the coarse matte, and of the prior.
    coarse_side: u32,
    side: u32,
    // Below this range the network found no subject.
    min_range: f32,
}

var<immediate> params: Params;
// Minimum and maximum of the coarse matte, as bits.
@group(0) @binding(0) var<storage, read> extrema: array<u32, 2>;
// `[coarse_side, coarse_side]`, of the mirrored photo.
@group(0) @binding(1) var<storage, read> coarse_matte: array<f32>;
// `[side, side]`: no confidence and no core yet, then the coarse matte.
@group(0) @binding(2) var<storage, read_write> prior: array<vec4<f32>>;

fn stretched_at(x: u32, y: u32, low: f32, range: f32) -> f32 {
    let mirrored = params.coarse_side - 1u - x;
    return (coarse_matte[y * params.coarse_side + mirrored] - low) / range;
}

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.side || id.y >= params.side) {
        return;
    }
    let low = bitcast<f32>(extrema[0]);
    let range = bitcast<f32>(extrema[1]) - low;
    var value = 0.0;
    if (range >= params.min_range) {
        let coarse_side = f32(params.coarse_side);
        let across = bilinear_tap(f32(id.x) + 0.5, f32(params.side), coarse_side);
        let down = bilinear_tap(f32(id.y) + 0.5, f32(params.side), coarse_side);
        let x = u32(across.x);
        let y = u32(down.x);
        let upper = mix(stretched_at(x, y, low, range), stretched_at(x + 1u, y, low, range), across.y);
        let lower = mix(stretched_at(x, y + 1u, low, range), stretched_at(x + 1u, y + 1u, low, range), across.y);
        value = mix(upper, lower, down.y);
    }
    prior[id.y * params.side + id.x] = vec4<f32>(0.0, 0.0, value, 0.0);
}
