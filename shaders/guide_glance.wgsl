// The small network's matte of the mirrored photo: mirrored back, stretched to 0..1, and brought to the guide's size.

struct Params {
    // Side of the glance, and of the guide's plane.
    glance_side: u32,
    side: u32,
    min_range: f32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> range: array<u32, 2>;
// `[glance_side, glance_side]`. A tensor's buffer is always bound for writing: its pool page may be shared.
@group(0) @binding(2) var<storage, read_write> matte: array<f32>;
// `[side, side]`: nothing yet of people, what the glance saw.
@group(0) @binding(3) var<storage, read_write> whole: array<vec4<f32>>;

fn at(x: u32, y: u32, low: f32, span: f32) -> f32 {
    let mirrored = params.glance_side - 1u - x;
    return (matte[y * params.glance_side + mirrored] - low) / span;
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
        let to = f32(params.glance_side);
        let across = between(f32(id.x) + 0.5, f32(params.side), to);
        let down = between(f32(id.y) + 0.5, f32(params.side), to);
        let x = u32(across.x);
        let y = u32(down.x);
        let upper = mix(at(x, y, low, span), at(x + 1u, y, low, span), across.y);
        let lower = mix(at(x, y + 1u, low, span), at(x + 1u, y + 1u, low, span), across.y);
        value = mix(upper, lower, down.y);
    }
    whole[id.y * params.side + id.x] = vec4<f32>(0.0, 0.0, value, 0.0);
}
