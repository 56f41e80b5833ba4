// Halves colours and alpha to the means of 2x2 pixels; an odd last row or column counts twice.

struct Params {
    width: u32,
    height: u32,
    half_width: u32,
    // Rows of this dispatch, and the first of them in the output.
    rows: u32,
    first_row: u32,
    // The first row that is bound as `colors` and `alpha`, and the words before its first pixel.
    source_first_row: u32,
    colors_offset: u32,
    alpha_offset: u32,
}

var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> colors: array<u32>;
@group(0) @binding(1) var<storage, read> alpha: array<f32>;
@group(0) @binding(2) var<storage, read_write> half_colors: array<u32>;
@group(0) @binding(3) var<storage, read_write> half_alpha: array<f32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.half_width || id.y >= params.rows) {
        return;
    }
    let y = params.first_row + id.y;
    let x0 = 2u * id.x;
    let x1 = min(x0 + 1u, params.width - 1u);
    let upper = (2u * y - params.source_first_row) * params.width;
    let lower = (min(2u * y + 1u, params.height - 1u) - params.source_first_row) * params.width;
    var color = vec4<f32>(0.0);
    var sum = 0.0;
    for (var i = 0u; i < 4u; i++) {
        let index = select(upper, lower, i >= 2u) + select(x0, x1, (i & 1u) != 0u);
        color += unpack4x8unorm(colors[params.colors_offset + index]);
        sum += alpha[params.alpha_offset + index];
    }
    let output = y * params.half_width + id.x;
    half_colors[output] = pack4x8unorm(color / 4.0);
    half_alpha[output] = sum / 4.0;
}
