// Averages the fitted models over the same square as each was fitted on.

struct Params {
    size: u32,
    // The average is over `2 * radius + 1` pixels per side.
    radius: u32,
}

var<immediate> params: Params;
// `[size, size]`, as `refine_fit` stores them.
@group(0) @binding(0) var<storage, read> coefficients: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> trust: array<f32>;
@group(0) @binding(2) var<storage, read_write> smooth_coefficients: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> smooth_trust: array<f32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.size || id.y >= params.size) {
        return;
    }
    let left = max(id.x, params.radius) - params.radius;
    let right = min(id.x + params.radius + 1u, params.size);
    let top = max(id.y, params.radius) - params.radius;
    let bottom = min(id.y + params.radius + 1u, params.size);
    var coefficient_sum = vec4<f32>(0.0);
    var trust_sum = 0.0;
    for (var y = top; y < bottom; y++) {
        for (var x = left; x < right; x++) {
            coefficient_sum += coefficients[y * params.size + x];
            trust_sum += trust[y * params.size + x];
        }
    }
    let scale = 1.0 / f32((right - left) * (bottom - top));
    smooth_coefficients[id.y * params.size + id.x] = coefficient_sum * scale;
    smooth_trust[id.y * params.size + id.x] = trust_sum * scale;
}
