// The photo's own alpha as a matte.

struct Params {
    count: u32,
    stride: u32,
    photo_skip: u32,
    matte_skip: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> photo: array<u32>;
@group(0) @binding(2) var<storage, read_write> matte: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    for (var at = id.x; at < params.count; at += params.stride) {
        matte[params.matte_skip + at] = unpack4x8unorm(photo[params.photo_skip + at]).a;
    }
}
