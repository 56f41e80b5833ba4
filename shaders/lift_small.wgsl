// The network's matte, stretched and shrunk to the guide's size, beside what the guide says of the same pixels; and the
// masks whose parts are its holes and its subjects.

struct Params {
    // The photo's size.
    width: u32,
    height: u32,
    side: u32,
    // The matte's side.
    size: u32,
    taps: u32,
    min_range: f32,
    half: f32,
    outside: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> scene: Scene;
@group(0) @binding(2) var<storage, read> first: array<u32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read> range: array<u32, 2>;
// `[size, size]`
@group(0) @binding(5) var<storage, read_write> matte: array<f32>;
// Over the whole photo, `[side, side]`: how sure the guide is, where it is certain, what the glance saw.
@group(0) @binding(6) var<storage, read> whole: array<vec4<f32>>;
// Over the window, `[side, side]`: the matte, then the same.
@group(0) @binding(7) var<storage, read_write> seen: array<vec4<f32>>;
// Three planes: what is not subject, what is outside, what is subject.
@group(0) @binding(8) var<storage, read_write> labels: array<u32>;

fn over_window(x: u32, y: u32) -> vec3<f32> {
    let side = f32(params.side);
    let column = f32(scene.left) + (f32(x) + 0.5) * (f32(scene.width) / side);
    let row = f32(scene.top) + (f32(y) + 0.5) * (f32(scene.height) / side);
    let across = between(column, f32(params.width), side);
    let down = between(row, f32(params.height), side);
    let at = u32(down.x) * params.side + u32(across.x);
    let upper = mix(whole[at].xyz, whole[at + 1u].xyz, across.y);
    let lower = mix(whole[at + params.side].xyz, whole[at + params.side + 1u].xyz, across.y);
    return mix(upper, lower, down.y);
}

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.side || id.y >= params.side) {
        return;
    }
    let low = bitcast<f32>(range[0]);
    let span = bitcast<f32>(range[1]) - low;
    var value = 0.0;
    if (span >= params.min_range) {
        for (var j = 0u; j < params.taps; j++) {
            let row = min(first[id.y] + j, params.size - 1u) * params.size;
            var sum = 0.0;
            for (var k = 0u; k < params.taps; k++) {
                let x = min(first[id.x] + k, params.size - 1u);
                sum += weights[id.x * params.taps + k] * ((matte[row + x] - low) / span);
            }
            value += weights[id.y * params.taps + j] * sum;
        }
    }
    let at = id.y * params.side + id.x;
    let pixels = params.side * params.side;
    seen[at] = vec4<f32>(value, over_window(id.x, id.y));
    labels[at] = select(NONE, at, value <= params.half);
    labels[pixels + at] = select(NONE, at, value <= params.outside);
    labels[2u * pixels + at] = select(NONE, at, value > params.outside);
}
