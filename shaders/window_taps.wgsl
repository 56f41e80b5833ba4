// Lanczos-3 taps along one axis, from or onto the window that the guide chose.
//
// The window's function comes as a table from the host, `steps` samples a pixel: WGSL's own sine is loose.

struct Params {
    // Along the photo's width, else its height.
    across: u32,
    // Samples along the axis of the photo, and of the square that is resampled from or to.
    full: u32,
    size: u32,
    // From the window to the square, else from the square onto the window.
    shrinks: u32,
    // Weights an output.
    taps: u32,
    steps: u32,
    radius: f32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> scene: Scene;
// Lanczos-3 at 0, 1 / steps, 2 / steps, .. radius, and 0 after it.
@group(0) @binding(2) var<storage, read> lanczos: array<f32>;
@group(0) @binding(3) var<storage, read_write> first: array<u32>;
@group(0) @binding(4) var<storage, read_write> weights: array<f32>;

fn lanczos_at(x: f32) -> f32 {
    let step = min(abs(x), params.radius) * f32(params.steps);
    let low = u32(step);
    return mix(lanczos[low], lanczos[low + 1u], step - f32(low));
}

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let start = select(scene.top, scene.left, params.across != 0u);
    let length = select(scene.height, scene.width, params.across != 0u);
    // Outputs are taken from `samples` samples; in them, a window of `span` from `origin` serves `count` outputs.
    var outputs = params.size;
    var index = id.x;
    var origin = start;
    var span = length;
    var count = params.size;
    var samples = params.full;
    if (params.shrinks == 0u) {
        outputs = params.full;
        // Beside the window it wraps round, past its length.
        index = id.x - start;
        origin = 0u;
        span = params.size;
        count = length;
        samples = params.size;
    }
    if (id.x >= outputs) {
        return;
    }
    let inside = index < count;
    // The output's centre, in whole samples and a rest, so that no digits are lost.
    let halves = (2u * select(0u, index, inside) + 1u) * span;
    let whole = i32(origin + halves / (2u * count));
    let rest = f32(halves % (2u * count)) / f32(2u * count);
    let stretch = max(f32(span) / f32(count), 1.0);
    let reach = params.radius * stretch;
    let low = max(whole + i32(floor(rest - reach)), 0);
    let high = min(whole + i32(ceil(rest + reach)), i32(samples));
    var sum = 0.0;
    for (var k = 0u; k < params.taps; k++) {
        let sample = low + i32(k);
        var weight = 0.0;
        if (inside && sample < high) {
            weight = lanczos_at((f32(sample - whole) + 0.5 - rest) / stretch);
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
