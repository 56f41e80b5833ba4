// Names each pixel's part by the part's first pixel.

struct Params {
    side: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> labels: array<atomic<u32>>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.side || id.y >= params.side) {
        return;
    }
    let start = id.y * params.side + id.x;
    var at = atomicLoad(&labels[start]);
    if (at == NONE) {
        return;
    }
    loop {
        let next = atomicLoad(&labels[at]);
        if (next == at) {
            break;
        }
        at = next;
    }
    atomicStore(&labels[start], at);
}
