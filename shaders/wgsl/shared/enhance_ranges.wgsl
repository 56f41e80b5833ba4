// Limits a sharpened pixel to the range of its surroundings in the photo. Part of enhance_tile, whose bindings and
// parameters it uses.

// The ranges over the 3x3 pixels of the photo around a pixel of the result.
struct Ranges {
    // Of straight colour and alpha. The colour of a pixel below `min_alpha` does not count.
    low: vec4<f32>,
    high: vec4<f32>,
    // Of the colour composited on black, and of 1 minus the colour composited on white.
    black_low: vec3<f32>,
    black_high: vec3<f32>,
    white_low: vec3<f32>,
    white_high: vec3<f32>,
}

fn ranges_around(pixel: vec2<u32>) -> Ranges {
    var ranges = Ranges(
        vec4<f32>(1.0), vec4<f32>(), vec3<f32>(1.0), vec3<f32>(), vec3<f32>(1.0), vec3<f32>(),
    );
    let first_pixel = max(pixel, vec2<u32>(1u)) - 1u;
    let last_pixel = min(pixel + 1u, vec2<u32>(params.photo_width, params.photo_height) - 1u);
    for (var y = first_pixel.y; y <= last_pixel.y; y++) {
        for (var x = first_pixel.x; x <= last_pixel.x; x++) {
            let neighbour = straight_at(row_start(y) + x);
            let valid = vec4<bool>(vec3<bool>(neighbour.a >= params.min_alpha), true);
            ranges.low = min(ranges.low, select(vec4<f32>(1.0), neighbour, valid));
            ranges.high = max(ranges.high, select(vec4<f32>(0.0), neighbour, valid));
            let on_black = neighbour.a * neighbour.rgb;
            ranges.black_low = min(ranges.black_low, on_black);
            ranges.black_high = max(ranges.black_high, on_black);
            ranges.white_low = min(ranges.white_low, neighbour.a - on_black);
            ranges.white_high = max(ranges.white_high, neighbour.a - on_black);
        }
    }
    return ranges;
}

// Limits colour and alpha to their range in the surroundings, and the colour composited on black and white to its own.
fn clamped_to_ranges(value: vec4<f32>, ranges: Ranges) -> vec4<f32> {
    // If no pixel around has a valid colour, there is no range.
    let straight = select(clamp(value, ranges.low, ranges.high), value, ranges.low > ranges.high);
    let alpha = straight.a;
    // Where all surroundings are opaque, and where the pixel is nearly clear, compositing adds no limit.
    if (alpha < params.min_alpha || ranges.low.a == 1.0) {
        return straight;
    }
    let lower = max(ranges.black_low, alpha - ranges.white_high);
    let upper = min(ranges.black_high, alpha - ranges.white_low);
    return vec4<f32>(max(min(straight.rgb * alpha, upper), lower) / alpha, alpha);
}
