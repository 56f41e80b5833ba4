// Where the guide is certain of a person, and the mask whose parts tell where the subject is.

struct Params {
    side: u32,
    reach: u32,
    half: f32,
    certain: f32,
    witness: f32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// `[side, side]`
@group(0) @binding(1) var<storage, read_write> people: array<f32>;
// `[side, side]`: how sure the guide is, where it is certain, what the glance saw.
@group(0) @binding(2) var<storage, read_write> whole: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> labels: array<u32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.side || id.y >= params.side) {
        return;
    }
    let at = id.y * params.side + id.x;
    var least = 1.0;
    for (var dy = 0u; dy <= 2u * params.reach; dy++) {
        let y = min(max(id.y + dy, params.reach) - params.reach, params.side - 1u);
        for (var dx = 0u; dx <= 2u * params.reach; dx++) {
            let x = min(max(id.x + dx, params.reach) - params.reach, params.side - 1u);
            least = min(least, people[y * params.side + x]);
        }
    }
    let sure = people[at];
    let glance = whole[at].z;
    let core = select(0.0, 1.0, least > params.certain && glance > params.witness);
    whole[at] = vec4<f32>(sure, core, glance, 0.0);
    labels[at] = select(NONE, at, sure > params.half || glance > params.half);
}
