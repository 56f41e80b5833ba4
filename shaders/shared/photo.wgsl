// The photo as it is cut out: pixels of `photo` from `photo_skip` on, and of `matte`, if it has one, from `matte_skip` on.

// The matte's alpha, or the photo's `own`.
fn alpha_at(at: u32, own: f32) -> f32 {
    if (params.has_matte != 0u) {
        return matte[params.matte_skip + at];
    }
    return own;
}

fn straight_at(at: u32) -> vec4<f32> {
    let pixel = unpack4x8unorm(photo[params.photo_skip + at]);
    return vec4<f32>(pixel.rgb, alpha_at(at, pixel.a));
}

fn premultiplied_at(at: u32) -> vec4<f32> {
    let pixel = straight_at(at);
    return vec4<f32>(pixel.rgb * pixel.a, pixel.a);
}
