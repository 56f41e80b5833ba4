// Estimates the colours of foreground and background at one level of blur fusion (Forte 2021).

struct Params {
    width: u32,
    height: u32,
    // Rows of this dispatch, and the first of them in the level.
    rows: u32,
    first_row: u32,
    // The first row that is bound as `colors` and `alpha`, and the words before its first pixel.
    source_first_row: u32,
    colors_offset: u32,
    alpha_offset: u32,
    // Words before the first pixel of this dispatch in `fused`.
    fused_offset: u32,
    // The width of the coarser level; 0 if this is the coarsest.
    coarser_width: u32,
    // The mean is taken over `2 * radius + 1` pixels per side.
    radius: u32,
    // Whether clear pixels get foreground colours too: the edge stage may make them visible.
    spread: u32,
    // Whether this is the photo itself: stores foregrounds with its alpha, not pairs of foreground and background.
    finest: u32,
    // A mean alpha below this is rounding error: no foreground is near.
    min_alpha: f32,
}

var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> colors: array<u32>;
@group(0) @binding(1) var<storage, read> alpha: array<f32>;
// Foreground and background of each pixel of the coarser level, packed.
@group(0) @binding(2) var<storage, read> coarser: array<vec2<u32>>;
// One word per pixel at the finest level, two at the others.
@group(0) @binding(3) var<storage, read_write> fused: array<u32>;

// Returns foreground and background of the coarser level at a pixel of this one; `color` for both if there is none.
fn coarser_at(x: u32, y: u32, color: u32) -> vec2<u32> {
    if (params.coarser_width == 0u) {
        return vec2<u32>(color, color);
    }
    return coarser[(y / 2u) * params.coarser_width + x / 2u];
}

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.width || id.y >= params.rows) {
        return;
    }
    let y = params.first_row + id.y;
    let source = (y - params.source_first_row) * params.width + id.x;
    let color = colors[params.colors_offset + source];
    let a = alpha[params.alpha_offset + source];
    var foreground = color;
    var background = color;
    if (a < 1.0 && (a > 0.0 || params.spread != 0u)) {
        let left = max(id.x, params.radius) - params.radius;
        let right = min(id.x + params.radius + 1u, params.width);
        let top = max(y, params.radius) - params.radius;
        let bottom = min(y + params.radius + 1u, params.height);
        var foreground_sum = vec4<f32>(0.0);
        var background_sum = vec4<f32>(0.0);
        for (var v = top; v < bottom; v++) {
            for (var u = left; u < right; u++) {
                let index = (v - params.source_first_row) * params.width + u;
                let neighbour = colors[params.colors_offset + index];
                let weight = alpha[params.alpha_offset + index];
                var pair = vec2<u32>(neighbour, neighbour);
                if (weight > 0.0 && weight < 1.0) {
                    pair = coarser_at(u, v, neighbour);
                }
                foreground_sum += weight * vec4<f32>(unpack4x8unorm(pair.x).rgb, 1.0);
                background_sum += (1.0 - weight) * vec4<f32>(unpack4x8unorm(pair.y).rgb, 1.0);
            }
        }
        let samples = f32((right - left) * (bottom - top));
        if (foreground_sum.w >= params.min_alpha * samples) {
            let foreground_mean = foreground_sum.rgb / foreground_sum.w;
            let background_mean = background_sum.rgb / max(background_sum.w, 1e-6);
            let residual = unpack4x8unorm(color).rgb - a * foreground_mean - (1.0 - a) * background_mean;
            let estimate = clamp(foreground_mean + a * residual, vec3<f32>(0.0), vec3<f32>(1.0));
            foreground = pack4x8unorm(vec4<f32>(estimate, 0.0));
            if (a > 0.0) {
                background = pack4x8unorm(vec4<f32>(background_mean, 0.0));
            }
        } else {
            foreground = coarser_at(id.x, y, color).x;
        }
    }
    let output = id.y * params.width + id.x;
    if (params.finest != 0u) {
        fused[params.fused_offset + output] = (foreground & 0x00ffffffu) | (color & 0xff000000u);
    } else {
        fused[2u * output] = foreground;
        fused[2u * output + 1u] = background;
    }
}
