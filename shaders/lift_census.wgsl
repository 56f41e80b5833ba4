// Counts what tells how certain the matte is.

struct Params {
    side: u32,
    // The matte's side.
    size: u32,
    taps: u32,
    half: f32,
    // Between this and one less it, the matte is soft.
    soft: f32,
    // The guide was asked.
    guided: u32,
    // A value of 1, in the sums.
    unit: f32,
    // The photo's size.
    width: u32,
    height: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> scene: Scene;
@group(0) @binding(2) var<storage, read> first: array<u32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
// `[size, size]`
@group(0) @binding(4) var<storage, read> matte: array<f32>;
// `[side, side]`: the matte before, how sure the guide is, where it is certain, what the glance saw.
@group(0) @binding(5) var<storage, read> seen: array<vec4<f32>>;
// Cleared: people; soft and solid pixels; how far the glance is off, of how much; what guide and matte share, of how
// much; what the window cuts off.
@group(0) @binding(6) var<storage, read_write> census: array<atomic<u32>, 8>;

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
    let at = id.y * params.side + id.x;
    let people = params.guided != 0u && scene.people != 0u;
    if (at == 0u && people) {
        atomicStore(&census[0], 1u);
    }
    let solid = value > params.half;
    if (params.soft < value && value < 1.0 - params.soft) {
        atomicAdd(&census[1], 1u);
    }
    if (solid) {
        atomicAdd(&census[2], 1u);
    }
    let last = params.side - 1u;
    let cuts = (id.x == 0u && scene.left > 0u) || (id.y == 0u && scene.top > 0u)
        || (id.x == last && scene.left + scene.width < params.width)
        || (id.y == last && scene.top + scene.height < params.height);
    if (cuts && value > params.soft) {
        atomicAdd(&census[7], 1u);
    }
    let glance = seen[at].w;
    atomicAdd(&census[3], u32(abs(value - glance) * params.unit + 0.5));
    atomicAdd(&census[4], u32(max(value, glance) * params.unit + 0.5));
    let sure = seen[at].y > params.half;
    if (people && sure && solid) {
        atomicAdd(&census[5], 1u);
    }
    if (people && (sure || solid)) {
        atomicAdd(&census[6], 1u);
    }
}
