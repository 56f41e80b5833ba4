// Blurs along the columns, adds to each pixel the detail the blur took, measured over the subject alone, and keeps the
// result within the range of what is around; and packs it.

struct Params {
    width: u32,
    // Rows to write, where they begin in the band and in the result, and the band's rows.
    rows: u32,
    first_row: u32,
    out_row: u32,
    band_rows: u32,
    radius: u32,
    amount: f32,
    edge_amount: f32,
    threshold: f32,
    min_alpha: f32,
    // The result's height, and the photo's size.
    out_height: u32,
    photo_width: u32,
    photo_height: u32,
    // The photo's first row in `spans`.
    span_first: u32,
    // Words before the first pixel in the result, and words of a pixel: one, or two.
    picture_skip: u32,
    words: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
// `[band_rows, width]`, premultiplied.
@group(0) @binding(2) var<storage, read> band: array<vec4<f32>>;
// `[band_rows, width]`: luma, alpha.
@group(0) @binding(3) var<storage, read> blurred: array<vec2<f32>>;
// `[_, photo_width, 3]`: least and largest, 16 bits each, as `enhance_span` makes them.
@group(0) @binding(4) var<storage, read> spans: array<vec4<u32>>;
// The noise there was.
@group(0) @binding(5) var<storage, read> level: array<f32>;
@group(0) @binding(6) var<storage, read_write> picture: array<u32>;

fn least(span: vec4<u32>) -> vec4<f32> {
    return vec4<f32>(unpack2x16unorm(span.x), unpack2x16unorm(span.y));
}

fn most(span: vec4<u32>) -> vec4<f32> {
    return vec4<f32>(unpack2x16unorm(span.z), unpack2x16unorm(span.w));
}

// Kept within the range of what is around: colour and alpha, and what is seen of them on black and on white.
fn within(value: vec4<f32>, at: u32) -> vec4<f32> {
    let low = least(spans[at]);
    let high = most(spans[at]);
    // Where no colour around is certain there is no range.
    let straight = select(clamp(value, low, high), value, low > high);
    let alpha = straight.a;
    // Where all around is full or clear, what is seen is the colour or nothing.
    if (alpha < params.min_alpha || low.a == 1.0) {
        return straight;
    }
    let from_below = max(least(spans[at + 1u]).rgb, alpha - most(spans[at + 2u]).rgb);
    let from_above = min(most(spans[at + 1u]).rgb, alpha - least(spans[at + 2u]).rgb);
    return vec4<f32>(max(min(straight.rgb * alpha, from_above), from_below) / alpha, alpha);
}

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
    var added = 0.0;
    if (pixel.a >= params.min_alpha) {
        let detail = luma_of(pixel) / pixel.a - mean.x / max(mean.y, params.min_alpha);
        added = params.amount * sign(detail) * max(abs(detail) - params.threshold - level[0], 0.0);
    }
    let steep = pixel.a + params.edge_amount * (pixel.a - mean.y);
    let straight = vec4<f32>(pixel.rgb / max(pixel.a, 1e-6) + added, steep);
    let column = (2u * id.x + 1u) * params.photo_width / (2u * params.width);
    let row = (2u * (params.out_row + id.y) + 1u) * params.photo_height / (2u * params.out_height);
    let at = 3u * ((row - params.span_first) * params.photo_width + column);
    put(id.y * params.width + id.x, within(straight, at));
}
