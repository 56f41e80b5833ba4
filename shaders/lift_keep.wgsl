// The largest subject alone, grown by some pixels: a plane to be blurred. One workgroup.

struct Params {
    side: u32,
    reach: u32,
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// The third plane: subjects.
@group(0) @binding(1) var<storage, read> labels: array<u32>;
// The fifth plane: their areas.
@group(0) @binding(2) var<storage, read> traits: array<u32>;
// `[side, side]`: kept or not, and nothing.
@group(0) @binding(3) var<storage, read_write> keep: array<vec2<f32>>;

var<workgroup> most: atomic<u32>;
var<workgroup> kept: atomic<u32>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) me: u32) {
    let pixels = params.side * params.side;
    for (var at = me; at < pixels; at += 256u) {
        atomicMax(&most, traits[4u * pixels + at]);
    }
    if (me == 0u) {
        atomicStore(&kept, pixels);
    }
    workgroupBarrier();
    // The first of equals.
    for (var at = me; at < pixels; at += 256u) {
        if (traits[4u * pixels + at] == atomicLoad(&most)) {
            atomicMin(&kept, at);
        }
    }
    workgroupBarrier();
    let subject = atomicLoad(&kept);
    for (var at = me; at < pixels; at += 256u) {
        let column = at % params.side;
        let row = at / params.side;
        var near = false;
        for (var dy = 0u; dy <= 2u * params.reach; dy++) {
            for (var dx = 0u; dx <= 2u * params.reach; dx++) {
                let x = column + dx;
                let y = row + dy;
                let inside = x >= params.reach && y >= params.reach
                    && x < params.side + params.reach && y < params.side + params.reach;
                if (inside && !near) {
                    let source = (y - params.reach) * params.side + x - params.reach;
                    near = labels[2u * pixels + source] == subject;
                }
            }
        }
        keep[at] = vec2<f32>(select(0.0, 1.0, near), 0.0);
    }
}
