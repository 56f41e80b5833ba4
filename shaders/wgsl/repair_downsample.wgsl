// Stretches and downsamples the matte to the resolution of the prior, resamples the prior over the same pixels, and
// marks the masks whose connected components are holes and subjects.

struct Params {
    // The scene, in pixels of the photo.
    left: u32,
    top: u32,
    width: u32,
    height: u32,
    side: u32,
    // Side of the matte.
    size: u32,
    // Weights per output along one axis.
    taps: u32,
    // Below this range the network found no subject.
    min_range: f32,
    // The matte is solid above the first, and outside the subject up to the second if connected to the border.
    subject_alpha: f32,
    max_outside: f32,
}

var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> roi: Roi;
// The first input of each output, and `taps` weights for it.
@group(0) @binding(1) var<storage, read> first: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
// Minimum and maximum of the matte, as bits.
@group(0) @binding(3) var<storage, read> extrema: array<u32, 2>;
// `[size, size]`, over the ROI.
@group(0) @binding(4) var<storage, read> matte: array<f32>;
// `[side, side]`, over the scene: person confidence, core, coarse matte.
@group(0) @binding(5) var<storage, read> prior: array<vec4<f32>>;
// `[side, side]`, over the ROI: matte, person confidence, core, coarse matte.
@group(0) @binding(6) var<storage, read_write> low_res: array<vec4<f32>>;
// Three planes of the index of the pixel, or NONE outside the mask: not solid, outside, subject.
@group(0) @binding(7) var<storage, read_write> labels: array<u32>;

// Interpolates the prior at a pixel of the low-resolution plane.
fn prior_over_roi(x: u32, y: u32) -> vec3<f32> {
    let side = f32(params.side);
    let column = f32(roi.left - params.left) + (f32(x) + 0.5) * (f32(roi.width) / side);
    let row = f32(roi.top - params.top) + (f32(y) + 0.5) * (f32(roi.height) / side);
    let across = bilinear_tap(column, f32(params.width), side);
    let down = bilinear_tap(row, f32(params.height), side);
    let index = u32(down.x) * params.side + u32(across.x);
    let upper = mix(prior[index].xyz, prior[index + 1u].xyz, across.y);
    let lower = mix(prior[index + params.side].xyz, prior[index + params.side + 1u].xyz, across.y);
    return mix(upper, lower, down.y);
}

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.side || id.y >= params.side) {
        return;
    }
    let low = bitcast<f32>(extrema[0]);
    let range = bitcast<f32>(extrema[1]) - low;
    var value = 0.0;
    if (range >= params.min_range) {
        for (var j = 0u; j < params.taps; j++) {
            let row = min(first[id.y] + j, params.size - 1u) * params.size;
            var sum = 0.0;
            for (var k = 0u; k < params.taps; k++) {
                let x = min(first[id.x] + k, params.size - 1u);
                sum += weights[id.x * params.taps + k] * ((matte[row + x] - low) / range);
            }
            value += weights[id.y * params.taps + j] * sum;
        }
    }
    let index = id.y * params.side + id.x;
    let pixels = params.side * params.side;
    low_res[index] = vec4<f32>(value, prior_over_roi(id.x, id.y));
    labels[index] = select(NONE, index, value <= params.subject_alpha);
    labels[pixels + index] = select(NONE, index, value <= params.max_outside);
    labels[2u * pixels + index] = select(NONE, index, value > params.max_outside);
}
