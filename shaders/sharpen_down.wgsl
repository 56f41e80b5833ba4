// Blurs along the columns, and adds to each pixel the detail the blur took, measured over the subject alone.

struct Params {
    width: u32,
    // Rows to write, where they begin in the band, and the band's rows.
    rows: u32,
    first_row: u32,
    band_rows: u32,
    radius: u32,
    amount: f32,
    threshold: f32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
// `[band_rows, width]`, premultiplied.
@group(0) @binding(2) var<storage, read> band: array<vec4<f32>>;
// `[band_rows, width]`: luma, alpha.
@group(0) @binding(3) var<storage, read> blurred: array<vec2<f32>>;
// `[rows, width]`, premultiplied.
@group(0) @binding(4) var<storage, read_write> sharp: array<vec4<f32>>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.width || id.y >= params.rows) {
        return;
    }
    let y = params.first_row + id.y;
    var mean = vec2<f32>(0.0);
    for (var k = 0u; k <= 2u * params.radius; k++) {
        let row = min(max(y + k, params.radius) - params.radius, params.band_rows - 1u);
        mean += weights[k] * blurred[row * params.width + id.x];
    }
    let pixel = band[y * params.width + id.x];
    var change = 0.0;
    if (pixel.a >= MIN_ALPHA) {
        let detail = luma_of(pixel) / pixel.a - mean.x / max(mean.y, MIN_ALPHA);
        change = params.amount * sign(detail) * max(abs(detail) - params.threshold, 0.0);
    }
    sharp[id.y * params.width + id.x] = vec4<f32>(pixel.rgb + change * pixel.a, pixel.a);
}
