// Blurs the matte along its columns; beyond the ends the outermost pixels repeat.

struct Params {
    width: u32,
    height: u32,
    // Rows of this dispatch, and the first of them in the matte.
    rows: u32,
    first_row: u32,
    // The first row in `blurred_rows`.
    source_first_row: u32,
    radius: u32,
    // Words before the first pixel of this dispatch in `feathered`.
    feathered_offset: u32,
}

var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> weights: array<f32>;
// `[_, width]`
@group(0) @binding(1) var<storage, read> blurred_rows: array<f32>;
@group(0) @binding(2) var<storage, read_write> feathered: array<f32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.width || id.y >= params.rows) {
        return;
    }
    var sum = 0.0;
    for (var k = 0u; k <= 2u * params.radius; k++) {
        let y = min(max(params.first_row + id.y + k, params.radius) - params.radius, params.height - 1u);
        sum += weights[k] * blurred_rows[(y - params.source_first_row) * params.width + id.x];
    }
    feathered[params.feathered_offset + id.y * params.width + id.x] = sum;
}
