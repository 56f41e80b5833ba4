// Joins each pixel of a mask with its neighbours to the left and above.
//
// Union-find without locks (Komura 2015; Playne and Hawick 2018): every link leads from a later pixel to an earlier one.

struct Params {
    side: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// Each pixel its own index, or NONE.
@group(0) @binding(1) var<storage, read_write> labels: array<atomic<u32>>;

fn root_of(start: u32) -> u32 {
    var at = start;
    loop {
        let next = atomicLoad(&labels[at]);
        if (next == at) {
            break;
        }
        at = next;
    }
    return at;
}

fn join(one: u32, other: u32) {
    var a = one;
    var b = other;
    loop {
        a = root_of(a);
        b = root_of(b);
        if (a == b) {
            break;
        }
        let late = max(a, b);
        let early = min(a, b);
        let found = atomicMin(&labels[late], early);
        if (found == late) {
            break;
        }
        // Another invocation linked it meanwhile: what it linked to is of the same part.
        a = found;
        b = early;
    }
}

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.side || id.y >= params.side) {
        return;
    }
    let at = id.y * params.side + id.x;
    if (atomicLoad(&labels[at]) == NONE) {
        return;
    }
    if (id.x > 0u && atomicLoad(&labels[at - 1u]) != NONE) {
        join(at, at - 1u);
    }
    if (id.y > 0u && atomicLoad(&labels[at - params.side]) != NONE) {
        join(at, at - params.side);
    }
}
