// Enlarges the photo under its matte, sharpens it with an unsharp mask, limits each pixel to the range of its
// surroundings in the photo, and packs it: a workgroup computes a tile of the result from the photo alone.
//
// First the tile is resampled (Lanczos-3), with `radius` pixels around it for the blur of the unsharp mask; of those
// only luma and alpha are kept. They are blurred along the rows, then along the columns, and the detail that the blur
// removes is added to each pixel. The mean of luma is weighted by alpha, so that the background does not count at soft
// edges. Beyond the ends of the picture the outermost pixels repeat.

struct Params {
    // Size of the result.
    width: u32,
    height: u32,
    // Rows to write, and the first of them in the result.
    rows: u32,
    first_row: u32,
    // Size of the photo, the rows of it that are bound, and the first of them in the photo.
    photo_width: u32,
    photo_height: u32,
    source_rows: u32,
    source_first_row: u32,
    // Words before the first pixel.
    photo_offset: u32,
    matte_offset: u32,
    has_matte: u32,
    // Weights per column and per row of the result, at most 6; 0 if the result has the size of the photo.
    taps_across: u32,
    taps_down: u32,
    // Words before the first weight of a row.
    down_weights_offset: u32,
    tile_height: u32,
    // Radius of the blur, 0 without sharpening.
    radius: u32,
    // Gain on the detail of luma and of alpha, and detail of luma that is taken for noise.
    amount: f32,
    edge_amount: f32,
    threshold: f32,
    // A pixel below this alpha keeps its luma, and its colour does not count in the ranges of its neighbours.
    min_alpha: f32,
    // Words before the first pixel in the result, and words of a pixel: 1 or 2.
    picture_offset: u32,
    words_per_pixel: u32,
}

const TILE_WIDTH = 32u;

var<immediate> params: Params;
// The first input of each column, then of each row; and the weights of each column, then of each row.
@group(0) @binding(0) var<storage, read> first: array<u32>;
@group(0) @binding(1) var<storage, read> taps: array<f32>;
// `[source_rows, photo_width]`
@group(0) @binding(2) var<storage, read> photo: array<u32>;
@group(0) @binding(3) var<storage, read> matte: array<f32>;
// `[2 * radius + 1]`
@group(0) @binding(4) var<storage, read> weights: array<f32>;
// One number: the standard deviation of the noise that was removed; it raises the threshold.
@group(0) @binding(5) var<storage, read> noise: array<f32>;
@group(0) @binding(6) var<storage, read_write> picture: array<u32>;

// `[tile_height, TILE_WIDTH]`, premultiplied.
var<workgroup> tile: array<vec4<f32>, 512>;
// `[tile_height + 2 * radius, TILE_WIDTH + 2 * radius]`: luma and alpha of the tile and of what is around it.
var<workgroup> surroundings: array<vec2<f32>, 1620>;
// `[tile_height + 2 * radius, TILE_WIDTH]`: the same, blurred along the rows.
var<workgroup> blurred: array<vec2<f32>, 1024>;

fn blur_across(invocation: u32) {
    let columns = TILE_WIDTH + 2u * params.radius;
    let count = (params.tile_height + 2u * params.radius) * TILE_WIDTH;
    for (var i = invocation; i < count; i += 256u) {
        let start = i / TILE_WIDTH * columns + i % TILE_WIDTH;
        var sum = vec2<f32>();
        for (var k = 0u; k <= 2u * params.radius; k++) {
            sum += weights[k] * surroundings[start + k];
        }
        blurred[i] = sum;
    }
}

// Sharpens the pixel at `cell` of the tile, whose place in the result is `at`. Returns straight colour and alpha.
fn sharpened(cell: vec2<u32>, at: vec2<u32>) -> vec4<f32> {
    let pixel = tile[cell.y * TILE_WIDTH + cell.x];
    if (params.radius == 0u) {
        return vec4<f32>(pixel.rgb / max(pixel.a, 1e-6), pixel.a);
    }
    var blur = vec2<f32>();
    for (var k = 0u; k <= 2u * params.radius; k++) {
        blur += weights[k] * blurred[(cell.y + k) * TILE_WIDTH + cell.x];
    }
    var boost = 0.0;
    if (pixel.a >= params.min_alpha) {
        let detail = luma_of(pixel) / pixel.a - blur.x / max(blur.y, params.min_alpha);
        boost = params.amount * sign(detail) * max(abs(detail) - params.threshold - noise[0], 0.0);
    }
    let alpha = pixel.a + params.edge_amount * (pixel.a - blur.y);
    let straight = vec4<f32>(pixel.rgb / max(pixel.a, 1e-6) + boost, alpha);
    let photo_size = vec2<u32>(params.photo_width, params.photo_height);
    let photo_pixel = (2u * at + 1u) * photo_size / (2u * vec2<u32>(params.width, params.height));
    return clamped_to_ranges(straight, ranges_around(photo_pixel));
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
    let origin = vec2<u32>(group.x * TILE_WIDTH, params.first_row + group.y * params.tile_height);
    if (invocation < 256u / (TILE_WIDTH + 2u * params.radius) * (TILE_WIDTH + 2u * params.radius)) {
        resample(origin, invocation);
    }
    workgroupBarrier();
    if (params.radius > 0u) {
        blur_across(invocation);
    }
    workgroupBarrier();
    for (var i = invocation; i < params.tile_height * TILE_WIDTH; i += 256u) {
        let cell = vec2<u32>(i % TILE_WIDTH, i / TILE_WIDTH);
        let at = origin + cell;
        if (at.x < params.width && at.y < params.first_row + params.rows) {
            store_pixel((at.y - params.first_row) * params.width + at.x, sharpened(cell, at));
        }
    }
}
