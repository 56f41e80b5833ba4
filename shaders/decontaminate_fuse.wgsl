// Blur fusion at one level (Forte 2021): the colours of foreground and background where alpha is soft.

struct Params {
    width: u32,
    height: u32,
    // Rows of this dispatch, and the first of them.
    rows: u32,
    first_row: u32,
    // The first row in `colors` and `alpha`, and the words before its first pixel.
    window_first: u32,
    color_skip: u32,
    alpha_skip: u32,
    // Words before the first pixel that is written.
    out_skip: u32,
    // The coarser level's width; 0 if there is none.
    half_width: u32,
    reach: u32,
    // Clear pixels get colours too.
    spread: u32,
    // Writes foregrounds with the photo's own alpha, else pairs.
    finest: u32,
    // A mean alpha below this is none.
    least: f32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> colors: array<u32>;
@group(0) @binding(2) var<storage, read> alpha: array<f32>;
// Foreground and background of each pixel of the coarser level, packed.
@group(0) @binding(3) var<storage, read> coarser: array<vec2<u32>>;
// One word a pixel at the finest level, two at the others.
@group(0) @binding(4) var<storage, read_write> fused: array<u32>;

fn before(x: u32, y: u32, color: u32) -> vec2<u32> {
    if (params.half_width == 0u) {
        return vec2<u32>(color, color);
    }
    return coarser[(y / 2u) * params.half_width + x / 2u];
}

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.width || id.y >= params.rows) {
        return;
    }
    let y = params.first_row + id.y;
    let own = (y - params.window_first) * params.width + id.x;
    let color = colors[params.color_skip + own];
    let a = alpha[params.alpha_skip + own];
    var front = color;
    var back = color;
    if (a < 1.0 && (a > 0.0 || params.spread != 0u)) {
        let left = max(id.x, params.reach) - params.reach;
        let right = min(id.x + params.reach + 1u, params.width);
        let top = max(y, params.reach) - params.reach;
        let bottom = min(y + params.reach + 1u, params.height);
        var fronts = vec4<f32>(0.0);
        var backs = vec4<f32>(0.0);
        for (var v = top; v < bottom; v++) {
            for (var u = left; u < right; u++) {
                let at = (v - params.window_first) * params.width + u;
                let here = colors[params.color_skip + at];
                let share = alpha[params.alpha_skip + at];
                var pair = vec2<u32>(here, here);
                if (share > 0.0 && share < 1.0) {
                    pair = before(u, v, here);
                }
                fronts += share * vec4<f32>(unpack4x8unorm(pair.x).rgb, 1.0);
                backs += (1.0 - share) * vec4<f32>(unpack4x8unorm(pair.y).rgb, 1.0);
            }
        }
        let count = f32((right - left) * (bottom - top));
        if (fronts.w >= params.least * count) {
            let mean = fronts.rgb / fronts.w;
            let rest = backs.rgb / max(backs.w, 1e-6);
            let off = unpack4x8unorm(color).rgb - a * mean - (1.0 - a) * rest;
            front = pack4x8unorm(vec4<f32>(clamp(mean + a * off, vec3<f32>(0.0), vec3<f32>(1.0)), 0.0));
            if (a > 0.0) {
                back = pack4x8unorm(vec4<f32>(rest, 0.0));
            }
        } else {
            front = before(id.x, y, color).x;
        }
    }
    let to = id.y * params.width + id.x;
    if (params.finest != 0u) {
        fused[params.out_skip + to] = (front & 0x00ffffffu) | (color & 0xff000000u);
    } else {
        fused[2u * to] = front;
        fused[2u * to + 1u] = back;
    }
}
