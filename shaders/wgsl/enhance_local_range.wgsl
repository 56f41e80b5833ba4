// Finds the range over 3x3 pixels of straight colour and alpha, of the colour composited on black, and of 1 minus the
// colour composited on white.

struct Params {
    width: u32,
    // Rows to write, and the first of them in what is bound.
    rows: u32,
    first_row: u32,
    // Rows that are bound as `photo` and `matte`, and the words before their first pixel.
    source_rows: u32,
    photo_offset: u32,
    matte_offset: u32,
    has_matte: u32,
    // The colour of a pixel below this alpha does not count.
    min_alpha: f32,
}

var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> photo: array<u32>;
@group(0) @binding(1) var<storage, read> matte: array<f32>;
// `[rows, width, 3]`: the minimum and the maximum of four channels, 16 bits each.
@group(0) @binding(2) var<storage, read_write> local_range: array<vec4<u32>>;

fn packed_range(low: vec4<f32>, high: vec4<f32>) -> vec4<u32> {
    return vec4<u32>(pack2x16unorm(low.xy), pack2x16unorm(low.zw), pack2x16unorm(high.xy), pack2x16unorm(high.zw));
}

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.width || id.y >= params.rows) {
        return;
    }
    var low = vec4<f32>(1.0);
    var high = vec4<f32>(0.0);
    var black_low = vec3<f32>(1.0);
    var black_high = vec3<f32>(0.0);
    var white_low = vec3<f32>(1.0);
    var white_high = vec3<f32>(0.0);
    for (var dy = 0u; dy < 3u; dy++) {
        let y = min(max(params.first_row + id.y + dy, 1u) - 1u, params.source_rows - 1u);
        for (var dx = 0u; dx < 3u; dx++) {
            let x = min(max(id.x + dx, 1u) - 1u, params.width - 1u);
            let neighbour = straight_at(y * params.width + x);
            let valid = vec4<bool>(vec3<bool>(neighbour.a >= params.min_alpha), true);
            low = min(low, select(vec4<f32>(1.0), neighbour, valid));
            high = max(high, select(vec4<f32>(0.0), neighbour, valid));
            let on_black = neighbour.a * neighbour.rgb;
            black_low = min(black_low, on_black);
            black_high = max(black_high, on_black);
            white_low = min(white_low, neighbour.a - on_black);
            white_high = max(white_high, neighbour.a - on_black);
        }
    }
    let output = 3u * (id.y * params.width + id.x);
    local_range[output] = packed_range(low, high);
    local_range[output + 1u] = packed_range(vec4<f32>(black_low, 0.0), vec4<f32>(black_high, 0.0));
    local_range[output + 2u] = packed_range(vec4<f32>(white_low, 0.0), vec4<f32>(white_high, 0.0));
}
