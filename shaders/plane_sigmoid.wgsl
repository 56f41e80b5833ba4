// Logits as probabilities.

struct Params {
    count: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read_write> probabilities: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < params.count) {
        // Past 80, exp would leave the range of f32, and the result is 0 or 1.
        probabilities[id.x] = 1.0 / (1.0 + exp(-clamp(logits[id.x], -80.0, 80.0)));
    }
}
