// Copies the photo's own alpha into a matte.

struct Params {
    // Pixels to copy, and invocations that share them.
    count: u32,
    stride: u32,
    // Words before the first pixel.
    photo_offset: u32,
    matte_offset: u32,
}

var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> photo: array<u32>;
@group(0) @binding(1) var<storage, read_write> matte: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    for (var index = id.x; index < params.count; index += params.stride) {
        matte[params.matte_offset + index] = unpack4x8unorm(photo[params.photo_offset + index]).a;
    }
}
