// The photo as it is cut out: pixels of `photo` from `photo_skip` on, and of `matte`, if it has one, from `matte_skip` on.

// Straight, with the matte for its alpha.
fn straight_at(at: u32) -> vec4<f32> {
    let pixel = unpack4x8unorm(photo[params.photo_skip + at]);
    if (params.has_matte == 0u) {
        return pixel;
    }
    return vec4<f32>(pixel.rgb, matte[params.matte_skip + at]);
}

fn premultiplied_at(at: u32) -> vec4<f32> {
    let pixel = straight_at(at);
    return vec4<f32>(pixel.rgb * pixel.a, pixel.a);
}
