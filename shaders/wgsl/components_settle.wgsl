// Replaces the label of each mask pixel by the root of its component: the index of its first pixel.

struct Params {
    side: u32,
}

var<immediate> params: Params;
// `[side, side]`: links towards the root, or NONE.
@group(0) @binding(0) var<storage, read_write> labels: array<atomic<u32>>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.side || id.y >= params.side) {
        return;
    }
    let index = id.y * params.side + id.x;
    var label = atomicLoad(&labels[index]);
    if (label == NONE) {
        return;
    }
    loop {
        let next = atomicLoad(&labels[label]);
        if (next == label) {
            break;
        }
        label = next;
    }
    atomicStore(&labels[index], label);
}
