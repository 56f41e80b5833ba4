// Resamples a tile of the result and its surroundings. Part of enhance_tile, whose bindings, parameters and workgroup
// memory it uses.

// Returns where row `y` of the photo begins in what is bound. Rows past the last have no weight, so any will do.
fn row_start(y: u32) -> u32 {
    return (min(y - params.source_first_row, params.source_rows - 1u)) * params.photo_width;
}

// The weights of up to six neighbouring pixels.
struct Six {
    low: vec4<f32>,
    high: vec2<f32>,
}

fn weights_at(offset: u32, count: u32) -> Six {
    var six = Six(vec4<f32>(), vec2<f32>());
    six.low.x = taps[offset];
    if (count > 1u) {
        six.low.y = taps[offset + 1u];
    }
    if (count > 2u) {
        six.low.z = taps[offset + 2u];
    }
    if (count > 3u) {
        six.low.w = taps[offset + 3u];
    }
    if (count > 4u) {
        six.high.x = taps[offset + 4u];
    }
    if (count > 5u) {
        six.high.y = taps[offset + 5u];
    }
    return six;
}

// Resamples row `y` of the photo from pixel `x` on.
fn resampled_across(x: u32, y: u32, across: Six) -> vec4<f32> {
    let row = row_start(y);
    let last = params.photo_width - 1u;
    let sum = across.low.x * premultiplied_at(row + x)
        + across.low.y * premultiplied_at(row + min(x + 1u, last))
        + across.low.z * premultiplied_at(row + min(x + 2u, last))
        + across.low.w * premultiplied_at(row + min(x + 3u, last))
        + across.high.x * premultiplied_at(row + min(x + 4u, last))
        + across.high.y * premultiplied_at(row + min(x + 5u, last));
    return clamp(sum, vec4<f32>(0.0), vec4<f32>(1.0));
}

// Keeps the resampled pixel at `cell` of the tile and its surroundings.
fn keep(cell: vec2<u32>, columns: u32, pixel: vec4<f32>) {
    surroundings[cell.y * columns + cell.x] = vec2<f32>(luma_of(pixel), pixel.a);
    let inner = cell - params.radius;
    if (inner.x < TILE_WIDTH && inner.y < params.tile_height) {
        tile[inner.y * TILE_WIDTH + inner.x] = pixel;
    }
}

// Fills the tile and its surroundings. Each invocation computes some rows of a column, from top to bottom, and keeps the
// six rows of the photo that it combines, so that each is resampled once.
fn resample(origin: vec2<u32>, invocation: u32) {
    let columns = TILE_WIDTH + 2u * params.radius;
    let rows = params.tile_height + 2u * params.radius;
    let segments = 256u / columns;
    let segment_rows = (rows + segments - 1u) / segments;
    let column = invocation % columns;
    let first_row = invocation / columns * segment_rows;
    let end_row = min(first_row + segment_rows, rows);
    // Of the result; beyond its ends, that of its outermost pixels.
    let x = min(max(origin.x + column, params.radius) - params.radius, params.width - 1u);
    if (params.taps_across == 0u) {
        for (var row = first_row; row < end_row; row++) {
            let y = min(max(origin.y + row, params.radius) - params.radius, params.height - 1u);
            keep(vec2<u32>(column, row), columns, premultiplied_at(row_start(y) + x));
        }
        return;
    }
    let source_x = first[x];
    let across = weights_at(x * params.taps_across, params.taps_across);
    var source_y = 0u;
    var a = vec4<f32>();
    var b = vec4<f32>();
    var c = vec4<f32>();
    var d = vec4<f32>();
    var e = vec4<f32>();
    var f = vec4<f32>();
    for (var row = first_row; row < end_row; row++) {
        let y = min(max(origin.y + row, params.radius) - params.radius, params.height - 1u);
        let wanted_y = first[params.width + y];
        if (row == first_row) {
            source_y = wanted_y;
            a = resampled_across(source_x, source_y, across);
            b = resampled_across(source_x, source_y + 1u, across);
            c = resampled_across(source_x, source_y + 2u, across);
            d = resampled_across(source_x, source_y + 3u, across);
            e = resampled_across(source_x, source_y + 4u, across);
            f = resampled_across(source_x, source_y + 5u, across);
        } else if (source_y != wanted_y) {
            // The result is no smaller than the photo, so the next row begins at most one row further down.
            source_y = wanted_y;
            a = b;
            b = c;
            c = d;
            d = e;
            e = f;
            f = resampled_across(source_x, source_y + 5u, across);
        }
        let down = weights_at(params.down_weights_offset + y * params.taps_down, params.taps_down);
        let sum = down.low.x * a + down.low.y * b + down.low.z * c + down.low.w * d + down.high.x * e + down.high.y * f;
        keep(vec2<u32>(column, row), columns, clamp(sum, vec4<f32>(0.0), vec4<f32>(1.0)));
    }
}
