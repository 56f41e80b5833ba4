// Resamples the columns of the matte to the height of the photo, applies the guided filter where the matte is soft, and
// multiplies by the photo's own alpha.

struct Params {
    // The guided filter starts at the first of these alphas and counts in full from the second on; likewise towards 1.
    soft_range: vec2<f32>,
    // Alpha nearer than this to 0 or 1 is rounded.
    haze: f32,
    // Side of the matte, and width of the photo.
    size: u32,
    width: u32,
    // Rows of this dispatch, and the first of them in the photo.
    rows: u32,
    first_row: u32,
    taps: u32,
    // Words before the first pixel of this dispatch.
    photo_offset: u32,
    refined_offset: u32,
    // Whether to resample only, without the guided filter.
    plain_matte: u32,
    pad: u32,
}

var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> roi: Roi;
// The first input of each output, and `taps` weights for it.
@group(0) @binding(1) var<storage, read> first: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
// `[size, width]`
@group(0) @binding(3) var<storage, read> resampled_rows: array<f32>;
@group(0) @binding(4) var<storage, read> photo: array<u32>;
// `[size, size]`: the averaged models of `refine_smooth`.
@group(0) @binding(5) var<storage, read> coefficients: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read> trust: array<f32>;
@group(0) @binding(7) var<storage, read_write> refined: array<f32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.width || id.y >= params.rows) {
        return;
    }
    let y = params.first_row + id.y;
    var value = 0.0;
    for (var k = 0u; k < params.taps; k++) {
        let row = min(first[y] + k, params.size - 1u);
        value += weights[y * params.taps + k] * resampled_rows[row * params.width + id.x];
    }
    value = clamp(value, 0.0, 1.0);
    let index = id.y * params.width + id.x;
    let pixel = unpack4x8unorm(photo[params.photo_offset + index]);
    if (params.plain_matte == 0u && params.soft_range.x < value && value < 1.0 - params.soft_range.x) {
        let size = f32(params.size);
        let across = bilinear_tap(f32(id.x - roi.left) + 0.5, f32(roi.width), size);
        let down = bilinear_tap(f32(y - roi.top) + 0.5, f32(roi.height), size);
        let above = u32(down.x) * params.size + u32(across.x);
        let below = above + params.size;
        let upper = mix(coefficients[above], coefficients[above + 1u], across.y);
        let lower = mix(coefficients[below], coefficients[below + 1u], across.y);
        let model = mix(upper, lower, down.y);
        let mean_trust = mix(
            mix(trust[above], trust[above + 1u], across.y), mix(trust[below], trust[below + 1u], across.y), down.y
        );
        let fitted = clamp((1.0 - mean_trust) * value + dot(model, vec4<f32>(pixel.rgb, 1.0)), 0.0, 1.0);
        let softness = smooth_ramp(value, params.soft_range) * smooth_ramp(1.0 - value, params.soft_range);
        value = mix(value, fitted, softness);
    }
    if (value < params.haze) {
        value = 0.0;
    } else if (value > 1.0 - params.haze) {
        value = 1.0;
    }
    refined[params.refined_offset + index] = value * pixel.a;
}
