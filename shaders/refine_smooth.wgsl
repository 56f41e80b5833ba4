// Averages the fitted functions over as large a window as they were fitted on.

struct Params {
    size: u32,
    reach: u32,
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slopes: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> trusts: array<f32>;
@group(0) @binding(3) var<storage, read_write> smooth_slopes: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> smooth_trusts: array<f32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.size || id.y >= params.size) {
        return;
    }
    let left = max(id.x, params.reach) - params.reach;
    let right = min(id.x + params.reach + 1u, params.size);
    let top = max(id.y, params.reach) - params.reach;
    let bottom = min(id.y + params.reach + 1u, params.size);
    var slope = vec4<f32>(0.0);
    var trust = 0.0;
    for (var y = top; y < bottom; y++) {
        for (var x = left; x < right; x++) {
            slope += slopes[y * params.size + x];
            trust += trusts[y * params.size + x];
        }
    }
    let share = 1.0 / f32((right - left) * (bottom - top));
    smooth_slopes[id.y * params.size + id.x] = slope * share;
    smooth_trusts[id.y * params.size + id.x] = trust * share;
}
