// Fits alpha around each of the matte's pixels as a linear function of the photo's colour (He and Sun 2015).

struct Params {
    mean: vec3<f32>,
    size: u32,
    deviation: vec3<f32>,
    reach: u32,
    trust: vec2<f32>,
    epsilon: f32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// `[size, size]`
@group(0) @binding(1) var<storage, read> matte: array<f32>;
// What the network saw: `[1, 3, size, size]`.
@group(0) @binding(2) var<storage, read_write> input: array<f32>;
// `[size, size]`: slopes of red, green and blue, and an offset, times the trust in them.
@group(0) @binding(3) var<storage, read_write> slopes: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> trusts: array<f32>;

fn color_at(at: u32) -> vec3<f32> {
    let plane = params.size * params.size;
    let value = vec3<f32>(input[at], input[plane + at], input[2u * plane + at]);
    return value * params.deviation + params.mean;
}

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.size || id.y >= params.size) {
        return;
    }
    let left = max(id.x, params.reach) - params.reach;
    let right = min(id.x + params.reach + 1u, params.size);
    let top = max(id.y, params.reach) - params.reach;
    let bottom = min(id.y + params.reach + 1u, params.size);
    // Means of colour, alpha and their products; around one half, so that differences of squares keep their digits.
    var color = vec3<f32>(0.0);
    var alpha = 0.0;
    var square = 0.0;
    var both = vec3<f32>(0.0);
    var diagonal = vec3<f32>(0.0);
    // Red with green, red with blue, green with blue.
    var across = vec3<f32>(0.0);
    for (var y = top; y < bottom; y++) {
        for (var x = left; x < right; x++) {
            let at = y * params.size + x;
            let c = color_at(at) - 0.5;
            let p = matte[at] - 0.5;
            color += c;
            alpha += p;
            square += p * p;
            both += c * p;
            diagonal += c * c;
            across += c.xxy * c.yzz;
        }
    }
    let share = 1.0 / f32((right - left) * (bottom - top));
    color *= share;
    alpha *= share;
    let covariance = both * share - color * alpha;
    let variance = square * share - alpha * alpha;
    let own = diagonal * share - color * color + params.epsilon;
    let mixed = across * share - color.xxy * color.yzz;
    // Factored as L D L', which stays exact where the colours are all of one hue.
    let l10 = mixed.x / own.x;
    let l20 = mixed.y / own.x;
    let d1 = max(own.y - l10 * l10 * own.x, params.epsilon);
    let l21 = (mixed.z - l20 * l10 * own.x) / d1;
    let d2 = max(own.z - l20 * l20 * own.x - l21 * l21 * d1, params.epsilon);
    let y1 = covariance.y - l10 * covariance.x;
    let y2 = covariance.z - l20 * covariance.x - l21 * y1;
    let blue = y2 / d2;
    let green = y1 / d1 - l21 * blue;
    let red = covariance.x / own.x - l10 * green - l20 * blue;
    let slope = vec3<f32>(red, green, blue);
    let explained = dot(slope, covariance);
    let trust = smooth_ramp(explained / max(variance, params.epsilon), params.trust);
    let offset = alpha + 0.5 - dot(slope, color + 0.5);
    slopes[id.y * params.size + id.x] = vec4<f32>(slope, offset) * trust;
    trusts[id.y * params.size + id.x] = trust;
}
