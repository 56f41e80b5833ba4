// Computes Lanczos-3 taps along one axis, from the ROI to a square or from a square onto the ROI.
//
// The kernel comes from the host as a table: the precision of `sin` in WGSL is not enough.

struct Params {
    // Whether the axis is the width of the photo, not its height.
    across: u32,
    // Pixels along this axis of the photo, and of the square.
    photo_length: u32,
    size: u32,
    // Whether to resample from the ROI to the square, not from the square onto the ROI.
    from_roi: u32,
    // Weights per output.
    taps: u32,
    // Samples per pixel of the table, and radius of the kernel in pixels of the coarser picture.
    steps: u32,
    radius: f32,
}

var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> roi: Roi;
// Lanczos-3 at 0, 1 / steps, 2 / steps up to radius, and one more 0.
@group(0) @binding(1) var<storage, read> lanczos: array<f32>;
// `[outputs]`: the first sample that each output reads.
@group(0) @binding(2) var<storage, read_write> first: array<u32>;
// `[outputs, taps]`: weights that sum to 1, and are 0 outside of the ROI.
@group(0) @binding(3) var<storage, read_write> weights: array<f32>;

fn lanczos_at(x: f32) -> f32 {
    let step = min(abs(x), params.radius) * f32(params.steps);
    let low = u32(step);
    return mix(lanczos[low], lanczos[low + 1u], step - f32(low));
}

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let start = select(roi.top, roi.left, params.across != 0u);
    let length = select(roi.height, roi.width, params.across != 0u);
    // `count` outputs cover `source_length` of `samples` input samples, starting at `origin`.
    var outputs = params.size;
    var index = id.x;
    var origin = start;
    var source_length = length;
    var count = params.size;
    var samples = params.photo_length;
    if (params.from_roi == 0u) {
        outputs = params.photo_length;
        // Outputs before the ROI wrap around to indices past its length.
        index = id.x - start;
        origin = 0u;
        source_length = params.size;
        count = length;
        samples = params.size;
    }
    if (id.x >= outputs) {
        return;
    }
    let inside = index < count;
    // The centre of the output as a whole number and a fraction of samples, so that no digits are lost.
    let numerator = (2u * select(0u, index, inside) + 1u) * source_length;
    let whole = i32(origin + numerator / (2u * count));
    let fraction = f32(numerator % (2u * count)) / f32(2u * count);
    let scale = max(f32(source_length) / f32(count), 1.0);
    let support = params.radius * scale;
    let low = max(whole + i32(floor(fraction - support)), 0);
    let high = min(whole + i32(ceil(fraction + support)), i32(samples));
    var sum = 0.0;
    for (var k = 0u; k < params.taps; k++) {
        let sample = low + i32(k);
        var weight = 0.0;
        if (inside && sample < high) {
            weight = lanczos_at((f32(sample - whole) + 0.5 - fraction) / scale);
        }
        weights[id.x * params.taps + k] = weight;
        sum += weight;
    }
    if (inside) {
        for (var k = 0u; k < params.taps; k++) {
            weights[id.x * params.taps + k] /= sum;
        }
    }
    first[id.x] = u32(low);
}
