// Blurs two planes along their columns; beyond the ends the outermost pixels repeat.

struct Params {
    width: u32,
    rows: u32,
    radius: u32,
}

var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> weights: array<f32>;
// `[rows, width]`, both planes interleaved.
@group(0) @binding(1) var<storage, read> planes: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> blurred: array<vec2<f32>>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.width || id.y >= params.rows) {
        return;
    }
    var sum = vec2<f32>(0.0);
    for (var k = 0u; k <= 2u * params.radius; k++) {
        let y = min(max(id.y + k, params.radius) - params.radius, params.rows - 1u);
        sum += weights[k] * planes[y * params.width + id.x];
    }
    blurred[id.y * params.width + id.x] = sum;
}
