// Joins the component of each mask pixel with those of its neighbours to the left and above.
//
// Lock-free union-find (Komura 2015; Playne and Hawick 2018). Every link leads from a later pixel to an earlier one.

struct Params {
    side: u32,
}

var<immediate> params: Params;
// `[side, side]`: initially the index of the pixel itself, or NONE outside the mask.
@group(0) @binding(0) var<storage, read_write> labels: array<atomic<u32>>;

fn root_of(start: u32) -> u32 {
    var label = start;
    loop {
        let next = atomicLoad(&labels[label]);
        if (next == label) {
            break;
        }
        label = next;
    }
    return label;
}

fn join(first: u32, second: u32) {
    var a = first;
    var b = second;
    loop {
        a = root_of(a);
        b = root_of(b);
        if (a == b) {
            break;
        }
        let later = max(a, b);
        let earlier = min(a, b);
        let previous = atomicMin(&labels[later], earlier);
        if (previous == later) {
            break;
        }
        // Another invocation has linked `later` meanwhile, to a pixel of the same component: join that one instead.
        a = previous;
        b = earlier;
    }
}

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.side || id.y >= params.side) {
        return;
    }
    let index = id.y * params.side + id.x;
    if (atomicLoad(&labels[index]) == NONE) {
        return;
    }
    if (id.x > 0u && atomicLoad(&labels[index - 1u]) != NONE) {
        join(index, index - 1u);
    }
    if (id.y > 0u && atomicLoad(&labels[index - params.side]) != NONE) {
        join(index, index - params.side);
    }
}
