// A bilateral filter over the subject, as wide in colour as the noise (Tomasi and Manduchi 1998).

struct Params {
    width: u32,
    height: u32,
    // Rows of this dispatch, and the first of them.
    rows: u32,
    first_row: u32,
    // The first row in what is bound.
    window_first: u32,
    photo_skip: u32,
    matte_skip: u32,
    out_skip: u32,
    has_matte: u32,
    taps: u32,
    min_alpha: f32,
    // The deviation in colour for noise of deviation 1.
    spread: f32,
}

struct Tap {
    x: i32,
    y: i32,
    weight: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> near: array<Tap>;
@group(0) @binding(2) var<storage, read> level: array<f32>;
@group(0) @binding(3) var<storage, read> photo: array<u32>;
@group(0) @binding(4) var<storage, read> matte: array<f32>;
@group(0) @binding(5) var<storage, read_write> denoised: array<u32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.width || id.y >= params.rows) {
        return;
    }
    let row = params.first_row + id.y;
    let at = (row - params.window_first) * params.width + id.x;
    let word = photo[params.photo_skip + at];
    let own = unpack4x8unorm(word);
    let to = params.out_skip + id.y * params.width + id.x;
    let spread = params.spread * level[0];
    if (spread <= 0.0 || alpha_at(at, own.a) < params.min_alpha) {
        denoised[to] = word;
        return;
    }
    var sum = vec3<f32>(0.0);
    var total = 0.0;
    for (var k = 0u; k < params.taps; k++) {
        let tap = near[k];
        let x = i32(id.x) + tap.x;
        let y = i32(row) + tap.y;
        if (x >= 0 && y >= 0 && x < i32(params.width) && y < i32(params.height)) {
            let there = (u32(y) - params.window_first) * params.width + u32(x);
            let other = unpack4x8unorm(photo[params.photo_skip + there]);
            let apart = own.rgb - other.rgb;
            let square = dot(apart, apart) / (spread * spread);
            if (square <= 9.0) {
                let weight = tap.weight * exp(-0.5 * square) * alpha_at(there, other.a);
                total += weight;
                sum += weight * other.rgb;
            }
        }
    }
    denoised[to] = pack4x8unorm(vec4<f32>(sum / total, own.a));
}
