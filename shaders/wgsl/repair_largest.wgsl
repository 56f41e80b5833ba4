// Marks the largest subject, dilated by some pixels: a plane that is blurred next. Runs as one workgroup.

struct Params {
    side: u32,
    radius: u32,
}

var<immediate> params: Params;
// The third plane labels subjects.
@group(0) @binding(0) var<storage, read> labels: array<u32>;
// The fifth plane holds their areas.
@group(0) @binding(1) var<storage, read> regions: array<u32>;
// `[side, side]`: 1 where the matte is kept, and 0.
@group(0) @binding(2) var<storage, read_write> kept: array<vec2<f32>>;

var<workgroup> max_area: atomic<u32>;
var<workgroup> largest: atomic<u32>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) local_index: u32) {
    let pixels = params.side * params.side;
    for (var index = local_index; index < pixels; index += 256u) {
        atomicMax(&max_area, regions[4u * pixels + index]);
    }
    if (local_index == 0u) {
        atomicStore(&largest, pixels);
    }
    workgroupBarrier();
    // Of several with the same area, the first.
    for (var index = local_index; index < pixels; index += 256u) {
        if (regions[4u * pixels + index] == atomicLoad(&max_area)) {
            atomicMin(&largest, index);
        }
    }
    workgroupBarrier();
    let subject = atomicLoad(&largest);
    for (var index = local_index; index < pixels; index += 256u) {
        let column = index % params.side;
        let row = index / params.side;
        var near = false;
        for (var dy = 0u; dy <= 2u * params.radius; dy++) {
            for (var dx = 0u; dx <= 2u * params.radius; dx++) {
                let x = column + dx;
                let y = row + dy;
                let inside = x >= params.radius && y >= params.radius
                    && x < params.side + params.radius && y < params.side + params.radius;
                if (inside && !near) {
                    let source = (y - params.radius) * params.side + x - params.radius;
                    near = labels[2u * pixels + source] == subject;
                }
            }
        }
        kept[index] = vec2<f32>(select(0.0, 1.0, near), 0.0);
    }
}
