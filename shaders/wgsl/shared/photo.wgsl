// Reads pixels of the photo with the alpha of its matte. Expects the bindings `photo` and `matte`, and the parameters
// `photo_offset` and `matte_offset` (words before the first pixel) and `has_matte`.

// Returns the alpha of the matte, or `photo_alpha` if there is no matte.
fn alpha_at(index: u32, photo_alpha: f32) -> f32 {
    if (params.has_matte != 0u) {
        return matte[params.matte_offset + index];
    }
    return photo_alpha;
}

fn straight_at(index: u32) -> vec4<f32> {
    let pixel = unpack4x8unorm(photo[params.photo_offset + index]);
    return vec4<f32>(pixel.rgb, alpha_at(index, pixel.a));
}

fn premultiplied_at(index: u32) -> vec4<f32> {
    let pixel = straight_at(index);
    return vec4<f32>(pixel.rgb * pixel.a, pixel.a);
}
