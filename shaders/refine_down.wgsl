// Resamples the matte's columns to the photo's height, follows the photo's colours where the matte is soft, and
// multiplies by the photo's own alpha.

struct Params {
    // The matte is refined between this and one less this, and fully a little farther in.
    ramp: vec2<f32>,
    haze: f32,
    size: u32,
    width: u32,
    // Rows of this dispatch, and the first of them.
    rows: u32,
    first_row: u32,
    taps: u32,
    // Words before the first pixel of this dispatch.
    photo_skip: u32,
    refined_skip: u32,
    // Lanczos-3 alone.
    plain: u32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> scene: Scene;
@group(0) @binding(2) var<storage, read> first: array<u32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
// `[size, width]`
@group(0) @binding(4) var<storage, read> wide: array<f32>;
@group(0) @binding(5) var<storage, read> photo: array<u32>;
// `[size, size]`
@group(0) @binding(6) var<storage, read> slopes: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read> trusts: array<f32>;
@group(0) @binding(8) var<storage, read_write> refined: array<f32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.width || id.y >= params.rows) {
        return;
    }
    let y = params.first_row + id.y;
    var value = 0.0;
    for (var k = 0u; k < params.taps; k++) {
        let row = min(first[y] + k, params.size - 1u);
        value += weights[y * params.taps + k] * wide[row * params.width + id.x];
    }
    value = clamp(value, 0.0, 1.0);
    let at = id.y * params.width + id.x;
    let pixel = unpack4x8unorm(photo[params.photo_skip + at]);
    if (params.plain == 0u && params.ramp.x < value && value < 1.0 - params.ramp.x) {
        let size = f32(params.size);
        let across = between(f32(id.x - scene.left) + 0.5, f32(scene.width), size);
        let down = between(f32(y - scene.top) + 0.5, f32(scene.height), size);
        let source = u32(down.x) * params.size + u32(across.x);
        let below = source + params.size;
        let upper = mix(slopes[source], slopes[source + 1u], across.y);
        let lower = mix(slopes[below], slopes[below + 1u], across.y);
        let slope = mix(upper, lower, down.y);
        let trust = mix(
            mix(trusts[source], trusts[source + 1u], across.y), mix(trusts[below], trusts[below + 1u], across.y), down.y
        );
        let fitted = clamp((1.0 - trust) * value + dot(slope, vec4<f32>(pixel.rgb, 1.0)), 0.0, 1.0);
        let inside = smooth_ramp(value, params.ramp) * smooth_ramp(1.0 - value, params.ramp);
        value = mix(value, fitted, inside);
    }
    if (value < params.haze) {
        value = 0.0;
    } else if (value > 1.0 - params.haze) {
        value = 1.0;
    }
    refined[params.refined_skip + at] = value * pixel.a;
}
