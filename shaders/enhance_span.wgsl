// The range over three by three pixels, 16 bits each: of straight colour and of alpha; of what is seen of them on black;
// and of what is missing on white.

struct Params {
    width: u32,
    // Rows to write, and where they begin in what is bound.
    rows: u32,
    first_row: u32,
    // Rows of what is bound.
    window_rows: u32,
    photo_skip: u32,
    matte_skip: u32,
    has_matte: u32,
    min_alpha: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> photo: array<u32>;
@group(0) @binding(2) var<storage, read> matte: array<f32>;
// `[rows, width, 3]`: least, then largest.
@group(0) @binding(3) var<storage, read_write> spans: array<vec4<u32>>;

fn packed(low: vec4<f32>, high: vec4<f32>) -> vec4<u32> {
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
        let y = min(max(params.first_row + id.y + dy, 1u) - 1u, params.window_rows - 1u);
        for (var dx = 0u; dx < 3u; dx++) {
            let x = min(max(id.x + dx, 1u) - 1u, params.width - 1u);
            let here = straight_at(y * params.width + x);
            // A colour that is not certain takes no part.
            let counts = vec4<bool>(vec3<bool>(here.a >= params.min_alpha), true);
            low = min(low, select(vec4<f32>(1.0), here, counts));
            high = max(high, select(vec4<f32>(0.0), here, counts));
            let on_black = here.a * here.rgb;
            black_low = min(black_low, on_black);
            black_high = max(black_high, on_black);
            white_low = min(white_low, here.a - on_black);
            white_high = max(white_high, here.a - on_black);
        }
    }
    let to = 3u * (id.y * params.width + id.x);
    spans[to] = packed(low, high);
    spans[to + 1u] = packed(vec4<f32>(black_low, 0.0), vec4<f32>(black_high, 0.0));
    spans[to + 2u] = packed(vec4<f32>(white_low, 0.0), vec4<f32>(white_high, 0.0));
}
