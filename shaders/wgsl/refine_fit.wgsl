// Fits alpha around each pixel of the matte as a linear function of colour: the guided filter (He and Sun 2015).

struct Params {
    // Mean and standard deviation that the input was normalised by.
    mean: vec3<f32>,
    size: u32,
    std_dev: vec3<f32>,
    // The fit is over `2 * radius + 1` pixels per side.
    radius: u32,
    // Fraction of the variance that the fit explains (R squared) from which the fit is used, and used alone.
    trust_range: vec2<f32>,
    // Regularisation: variance of colour below which it explains nothing.
    epsilon: f32,
    pad: u32,
}

var<immediate> params: Params;
// `[size, size]`
@group(0) @binding(0) var<storage, read> matte: array<f32>;
// `[3, size, size]`: the normalised input of the network.
@group(0) @binding(1) var<storage, read> input: array<f32>;
// `[size, size]`: coefficients of red, green and blue and the intercept, times the trust in them.
@group(0) @binding(2) var<storage, read_write> coefficients: array<vec4<f32>>;
// `[size, size]`: 0..1.
@group(0) @binding(3) var<storage, read_write> trust: array<f32>;

fn color_at(index: u32) -> vec3<f32> {
    let plane = params.size * params.size;
    let value = vec3<f32>(input[index], input[plane + index], input[2u * plane + index]);
    return value * params.std_dev + params.mean;
}

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.size || id.y >= params.size) {
        return;
    }
    let left = max(id.x, params.radius) - params.radius;
    let right = min(id.x + params.radius + 1u, params.size);
    let top = max(id.y, params.radius) - params.radius;
    let bottom = min(id.y + params.radius + 1u, params.size);
    // Means of colour, alpha and their products, less one half each so that differences of squares keep their digits.
    var color = vec3<f32>(0.0);
    var alpha = 0.0;
    var alpha_square = 0.0;
    var color_alpha = vec3<f32>(0.0);
    var color_square = vec3<f32>(0.0);
    // Red times green, red times blue, green times blue.
    var color_cross = vec3<f32>(0.0);
    for (var y = top; y < bottom; y++) {
        for (var x = left; x < right; x++) {
            let index = y * params.size + x;
            let centred_color = color_at(index) - 0.5;
            let centred_alpha = matte[index] - 0.5;
            color += centred_color;
            alpha += centred_alpha;
            alpha_square += centred_alpha * centred_alpha;
            color_alpha += centred_color * centred_alpha;
            color_square += centred_color * centred_color;
            color_cross += centred_color.xxy * centred_color.yzz;
        }
    }
    let scale = 1.0 / f32((right - left) * (bottom - top));
    color *= scale;
    alpha *= scale;
    let covariance = color_alpha * scale - color * alpha;
    let alpha_variance = alpha_square * scale - alpha * alpha;
    let variances = color_square * scale - color * color + params.epsilon;
    let covariances = color_cross * scale - color.xxy * color.yzz;
    // Solved by L D L' factorisation, which stays exact where all colours have the same hue.
    let l10 = covariances.x / variances.x;
    let l20 = covariances.y / variances.x;
    let d1 = max(variances.y - l10 * l10 * variances.x, params.epsilon);
    let l21 = (covariances.z - l20 * l10 * variances.x) / d1;
    let d2 = max(variances.z - l20 * l20 * variances.x - l21 * l21 * d1, params.epsilon);
    let y1 = covariance.y - l10 * covariance.x;
    let y2 = covariance.z - l20 * covariance.x - l21 * y1;
    let blue = y2 / d2;
    let green = y1 / d1 - l21 * blue;
    let red = covariance.x / variances.x - l10 * green - l20 * blue;
    let slope = vec3<f32>(red, green, blue);
    let explained = dot(slope, covariance);
    let confidence = smooth_ramp(explained / max(alpha_variance, params.epsilon), params.trust_range);
    let intercept = alpha + 0.5 - dot(slope, color + 0.5);
    coefficients[id.y * params.size + id.x] = vec4<f32>(slope, intercept) * confidence;
    trust[id.y * params.size + id.x] = confidence;
}
