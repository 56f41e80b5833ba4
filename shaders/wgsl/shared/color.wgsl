// Luma, and the packing of finished pixels. Colours are sRGB-encoded; names say whether alpha is straight or
// premultiplied.

// The Rec. 709 weights, applied to encoded values: luma, not luminance.
const LUMA = vec3<f32>(0.2126, 0.7152, 0.0722);

fn luma_of(premultiplied: vec4<f32>) -> f32 {
    return dot(premultiplied.rgb, LUMA);
}

// Packs 8-bit RGBA into one word, red in the lowest byte. Colour becomes 0 where alpha rounds to 0.
fn packed8_from_straight(pixel: vec4<f32>) -> u32 {
    let word = pack4x8unorm(clamp(pixel, vec4<f32>(0.0), vec4<f32>(1.0)));
    return select(word, 0u, word < 0x01000000u);
}

// Packs 16-bit RGBA into two words, red in the lowest bytes. Colour becomes 0 where alpha rounds to 0.
fn packed16_from_straight(pixel: vec4<f32>) -> vec2<u32> {
    let clamped = clamp(pixel, vec4<f32>(0.0), vec4<f32>(1.0));
    let words = vec2<u32>(pack2x16unorm(clamped.rg), pack2x16unorm(clamped.ba));
    return select(words, vec2<u32>(0u), words.y < 0x00010000u);
}
