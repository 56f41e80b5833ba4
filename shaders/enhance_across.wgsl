// Premultiplies a window of the photo, and resamples its rows to the result's width.

struct Params {
    width: u32,
    out_width: u32,
    rows: u32,
    taps: u32,
    photo_skip: u32,
    matte_skip: u32,
    has_matte: u32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> first: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
// `[rows, width]`
@group(0) @binding(3) var<storage, read> photo: array<u32>;
@group(0) @binding(4) var<storage, read> matte: array<f32>;
// `[rows, out_width]`, premultiplied.
@group(0) @binding(5) var<storage, read_write> wide: array<vec4<f32>>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.out_width || id.y >= params.rows) {
        return;
    }
    var sum = vec4<f32>(0.0);
    for (var k = 0u; k < params.taps; k++) {
        let x = min(first[id.x] + k, params.width - 1u);
        sum += weights[id.x * params.taps + k] * premultiplied_at(id.y * params.width + x);
    }
    wide[id.y * params.out_width + id.x] = clamp(sum, vec4<f32>(0.0), vec4<f32>(1.0));
}
