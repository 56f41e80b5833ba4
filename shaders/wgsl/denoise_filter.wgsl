// Denoises the subject with a bilateral filter whose range kernel follows the noise (Tomasi and Manduchi 1998).

struct Params {
    width: u32,
    height: u32,
    // Rows of this dispatch, and the first of them in the photo.
    rows: u32,
    first_row: u32,
    // The first row that is bound as `photo` and `matte`, and the words before its first pixel.
    source_first_row: u32,
    photo_offset: u32,
    matte_offset: u32,
    denoised_offset: u32,
    has_matte: u32,
    // Spatial taps.
    taps: u32,
    // Pixels below this alpha are copied.
    min_alpha: f32,
    // The standard deviation of the range kernel for noise of standard deviation 1.
    range_sigma: f32,
}

// A pixel of the neighbourhood: its offset, and its spatial weight.
struct Tap {
    x: i32,
    y: i32,
    weight: f32,
}

var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> spatial_taps: array<Tap>;
@group(0) @binding(1) var<storage, read> noise: array<f32>;
@group(0) @binding(2) var<storage, read> photo: array<u32>;
@group(0) @binding(3) var<storage, read> matte: array<f32>;
@group(0) @binding(4) var<storage, read_write> denoised: array<u32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.width || id.y >= params.rows) {
        return;
    }
    let row = params.first_row + id.y;
    let index = (row - params.source_first_row) * params.width + id.x;
    let word = photo[params.photo_offset + index];
    let centre = unpack4x8unorm(word);
    let output = params.denoised_offset + id.y * params.width + id.x;
    let sigma = params.range_sigma * noise[0];
    if (sigma <= 0.0 || alpha_at(index, centre.a) < params.min_alpha) {
        denoised[output] = word;
        return;
    }
    var sum = vec3<f32>(0.0);
    var weight_sum = 0.0;
    for (var k = 0u; k < params.taps; k++) {
        let tap = spatial_taps[k];
        let x = i32(id.x) + tap.x;
        let y = i32(row) + tap.y;
        if (x >= 0 && y >= 0 && x < i32(params.width) && y < i32(params.height)) {
            let source = (u32(y) - params.source_first_row) * params.width + u32(x);
            let neighbour = unpack4x8unorm(photo[params.photo_offset + source]);
            let difference = centre.rgb - neighbour.rgb;
            let square = dot(difference, difference) / (sigma * sigma);
            if (square <= 9.0) {
                let weight = tap.weight * exp(-0.5 * square) * alpha_at(source, neighbour.a);
                weight_sum += weight;
                sum += weight * neighbour.rgb;
            }
        }
    }
    denoised[output] = pack4x8unorm(vec4<f32>(sum / weight_sum, centre.a));
}
