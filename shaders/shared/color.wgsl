// Colour and alpha. All colours are sRGB-encoded; names say whether alpha is straight or premultiplied.

// Rec. 709 weights on encoded values: luma, not luminance.
const LUMA = vec3<f32>(0.2126, 0.7152, 0.0722);

// Alpha below which a pixel's colour is too uncertain to sharpen.
const MIN_ALPHA: f32 = 0.015686275;

fn luma_of(premultiplied: vec4<f32>) -> f32 {
    return dot(premultiplied.rgb, LUMA);
}

// Straight 8-bit RGBA in one word, red in the lowest byte; colour is 0 where alpha rounds to 0.
fn packed_from_premultiplied(pixel: vec4<f32>) -> u32 {
    let alpha = clamp(pixel.a, 0.0, 1.0);
    if (alpha * 255.0 < 0.5) {
        return 0u;
    }
    return pack4x8unorm(vec4<f32>(clamp(pixel.rgb / alpha, vec3<f32>(0.0), vec3<f32>(1.0)), alpha));
}
