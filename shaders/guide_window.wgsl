// Decides whether there are people, and which part of the photo the network will see. One workgroup.

struct Params {
    // The photo's size.
    width: u32,
    height: u32,
    side: u32,
    half: f32,
    person: f32,
    min_sure: u32,
    agree: f32,
    speck: u32,
    speck_share: u32,
    margin: u32,
    aspect_long: u32,
    aspect_short: u32,
    window_percent: u32,
    // The network's side.
    size: u32,
    // A window's least sides.
    least: u32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> person: array<f32>;
// `[side, side]`: how sure the guide is, where it is certain, what the glance saw.
@group(0) @binding(2) var<storage, read> whole: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> labels: array<u32>;
// Cleared.
@group(0) @binding(4) var<storage, read_write> counts: array<atomic<u32>>;
@group(0) @binding(5) var<storage, read_write> scene: Scene;

var<workgroup> somebody: atomic<u32>;
var<workgroup> both: atomic<u32>;
var<workgroup> either: atomic<u32>;
var<workgroup> most: atomic<u32>;
var<workgroup> left: atomic<u32>;
var<workgroup> top: atomic<u32>;
var<workgroup> right: atomic<u32>;
var<workgroup> bottom: atomic<u32>;

// `length` pixels from `start`, grown around their middle to `least` and kept within `full`: start and length.
fn grown(start: u32, length: u32, least: u32, full: u32) -> vec2<u32> {
    let to = min(max(length, least), full);
    let half = (to - length) / 2u;
    return vec2<u32>(min(max(start, half) - half, full - to), to);
}

fn ceil_div(a: u32, b: u32) -> u32 {
    return (a + b - 1u) / b;
}

// The same whole numbers as `Window::around`.
fn around(left: u32, top: u32, right: u32, bottom: u32) -> vec4<u32> {
    let width = params.width;
    let height = params.height;
    var x0 = left * width / params.side;
    var x1 = ceil_div(right * width, params.side);
    var y0 = top * height / params.side;
    var y1 = ceil_div(bottom * height, params.side);
    let margin = max(x1 - x0, y1 - y0) * params.margin / 100u;
    x0 = max(x0, margin) - margin;
    x1 = min(x1 + margin, width);
    y0 = max(y0, margin) - margin;
    y1 = min(y1 + margin, height);
    let across = max(ceil_div((y1 - y0) * params.aspect_short, params.aspect_long), params.least);
    let x = grown(x0, x1 - x0, across, width);
    let down = max(ceil_div(x.y * params.aspect_short, params.aspect_long), params.least);
    let y = grown(y0, y1 - y0, down, height);
    if (x.y * y.y / params.window_percent > width * height / 100u) {
        return vec4<u32>(0u, 0u, width, height);
    }
    return vec4<u32>(x.x, y.x, x.y, y.y);
}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) me: u32) {
    if (me == 0u) {
        atomicStore(&left, params.side);
        atomicStore(&top, params.side);
    }
    workgroupBarrier();
    let pixels = params.side * params.side;
    for (var at = me; at < pixels; at += 256u) {
        let people = whole[at].x > params.half;
        let seen = whole[at].z > params.half;
        if (people) {
            atomicAdd(&somebody, 1u);
            atomicAdd(&counts[labels[at]], 1u);
        }
        atomicAdd(&both, select(0u, 1u, people && seen));
        atomicAdd(&either, select(0u, 1u, people || seen));
    }
    storageBarrier();
    workgroupBarrier();
    for (var at = me; at < pixels; at += 256u) {
        atomicMax(&most, atomicLoad(&counts[at]));
    }
    workgroupBarrier();
    let least = max(params.speck, atomicLoad(&most) / params.speck_share);
    for (var at = me; at < pixels; at += 256u) {
        let label = labels[at];
        if (label != NONE && atomicLoad(&counts[label]) >= least) {
            atomicMin(&left, at % params.side);
            atomicMin(&top, at / params.side);
            atomicMax(&right, at % params.side + 1u);
            atomicMax(&bottom, at / params.side + 1u);
        }
    }
    workgroupBarrier();
    if (me == 0u) {
        var window = vec4<u32>(0u, 0u, params.width, params.height);
        let people = person[0] >= params.person && atomicLoad(&somebody) >= params.min_sure;
        let agree = f32(atomicLoad(&both)) >= params.agree * f32(atomicLoad(&either));
        if (people && agree && max(params.width, params.height) > params.size) {
            window = around(atomicLoad(&left), atomicLoad(&top), atomicLoad(&right), atomicLoad(&bottom));
        }
        scene = Scene(window.x, window.y, window.z, window.w, select(0u, 1u, people), 0u, 0u, 0u);
    }
}
