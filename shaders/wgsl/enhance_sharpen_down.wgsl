// Sharpens a band with an unsharp mask, limits each pixel to the range of its surroundings in the photo, and packs it.
//
// Blurs along the columns first, then adds to each pixel the detail that the blur has removed. The mean of luma is
// weighted by alpha, so that the background does not count at soft edges.

struct Params {
    width: u32,
    // Rows to write, the first of them in the band and in the result, and the rows of the band.
    rows: u32,
    first_row: u32,
    output_row: u32,
    band_rows: u32,
    // Radius of the blur, gain on the detail of luma and of alpha, and detail of luma that is taken for noise.
    radius: u32,
    amount: f32,
    edge_amount: f32,
    threshold: f32,
    // Pixels below this alpha keep their luma.
    min_alpha: f32,
    // The height of the result, and the size of the photo.
    output_height: u32,
    photo_width: u32,
    photo_height: u32,
    // The first row of the photo in `local_range`.
    range_first_row: u32,
    // Words before the first pixel in the result, and words of a pixel: 1 or 2.
    picture_offset: u32,
    words_per_pixel: u32,
}

var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> weights: array<f32>;
// `[band_rows, width]`, premultiplied.
@group(0) @binding(1) var<storage, read> band: array<vec4<f32>>;
// `[band_rows, width]`: luma, alpha.
@group(0) @binding(2) var<storage, read> blurred: array<vec2<f32>>;
// `[_, photo_width, 3]`: minima and maxima, 16 bits each, as `enhance_local_range` stores them.
@group(0) @binding(3) var<storage, read> local_range: array<vec4<u32>>;
// One number: the standard deviation of the noise that was removed; it raises the threshold.
@group(0) @binding(4) var<storage, read> noise: array<f32>;
@group(0) @binding(5) var<storage, read_write> picture: array<u32>;

fn min_of(range: vec4<u32>) -> vec4<f32> {
    return vec4<f32>(unpack2x16unorm(range.x), unpack2x16unorm(range.y));
}

fn max_of(range: vec4<u32>) -> vec4<f32> {
    return vec4<f32>(unpack2x16unorm(range.z), unpack2x16unorm(range.w));
}

// Limits colour and alpha to their range in the surroundings, and the colour composited on black and white to its own.
fn clamped_to_range(value: vec4<f32>, index: u32) -> vec4<f32> {
    let low = min_of(local_range[index]);
    let high = max_of(local_range[index]);
    // If no pixel around has a valid colour, there is no range.
    let straight = select(clamp(value, low, high), value, low > high);
    let alpha = straight.a;
    // Where all surroundings are opaque, and where the pixel is nearly clear, compositing adds no limit.
    if (alpha < params.min_alpha || low.a == 1.0) {
        return straight;
    }
    let lower = max(min_of(local_range[index + 1u]).rgb, alpha - max_of(local_range[index + 2u]).rgb);
    let upper = min(max_of(local_range[index + 1u]).rgb, alpha - min_of(local_range[index + 2u]).rgb);
    return vec4<f32>(max(min(straight.rgb * alpha, upper), lower) / alpha, alpha);
}

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.width || id.y >= params.rows) {
        return;
    }
    let y = params.first_row + id.y;
    var blur = vec2<f32>(0.0);
    for (var k = 0u; k <= 2u * params.radius; k++) {
        let row = min(max(y + k, params.radius) - params.radius, params.band_rows - 1u);
        blur += weights[k] * blurred[row * params.width + id.x];
    }
    let pixel = band[y * params.width + id.x];
    var boost = 0.0;
    if (pixel.a >= params.min_alpha) {
        let detail = luma_of(pixel) / pixel.a - blur.x / max(blur.y, params.min_alpha);
        boost = params.amount * sign(detail) * max(abs(detail) - params.threshold - noise[0], 0.0);
    }
    let sharpened_alpha = pixel.a + params.edge_amount * (pixel.a - blur.y);
    let straight = vec4<f32>(pixel.rgb / max(pixel.a, 1e-6) + boost, sharpened_alpha);
    let column = (2u * id.x + 1u) * params.photo_width / (2u * params.width);
    let row = (2u * (params.output_row + id.y) + 1u) * params.photo_height / (2u * params.output_height);
    let index = 3u * ((row - params.range_first_row) * params.photo_width + column);
    store_pixel(id.y * params.width + id.x, clamped_to_range(straight, index));
}
