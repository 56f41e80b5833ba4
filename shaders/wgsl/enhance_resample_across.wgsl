// Premultiplies rows of the photo and resamples them to the width of the result.

struct Params {
    // Pixels per row of the photo.
    width: u32,
    output_width: u32,
    rows: u32,
    // Weights per output pixel.
    taps: u32,
    // Words before the first pixel.
    photo_offset: u32,
    matte_offset: u32,
    has_matte: u32,
}

var<immediate> params: Params;
// The first input of each output, and `taps` weights for it.
@group(0) @binding(0) var<storage, read> first: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
// `[rows, width]`
@group(0) @binding(2) var<storage, read> photo: array<u32>;
@group(0) @binding(3) var<storage, read> matte: array<f32>;
// `[rows, output_width]`, premultiplied.
@group(0) @binding(4) var<storage, read_write> resampled_rows: array<vec4<f32>>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.output_width || id.y >= params.rows) {
        return;
    }
    var sum = vec4<f32>(0.0);
    for (var k = 0u; k < params.taps; k++) {
        let x = min(first[id.x] + k, params.width - 1u);
        sum += weights[id.x * params.taps + k] * premultiplied_at(id.y * params.width + x);
    }
    resampled_rows[id.y * params.output_width + id.x] = clamp(sum, vec4<f32>(0.0), vec4<f32>(1.0));
}
