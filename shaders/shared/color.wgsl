// Colour and alpha. All colours are sRGB-encoded; names say whether alpha is straight or premultiplied.

// Rec. 709 weights on encoded values: luma, not luminance.
const LUMA = vec3<f32>(0.2126, 0.7152, 0.0722);

fn luma_of(premultiplied: vec4<f32>) -> f32 {
    return dot(premultiplied.rgb, LUMA);
}

// Straight 8-bit RGBA in one word, red in the lowest byte; colour is 0 where alpha rounds to 0.
fn packed_from_straight(pixel: vec4<f32>) -> u32 {
    let word = pack4x8unorm(clamp(pixel, vec4<f32>(0.0), vec4<f32>(1.0)));
    return select(word, 0u, word < 0x01000000u);
}

// Straight 16-bit RGBA in two words, red in the lowest bytes; colour is 0 where alpha rounds to 0.
fn deeply_packed_from_straight(pixel: vec4<f32>) -> vec2<u32> {
    let held = clamp(pixel, vec4<f32>(0.0), vec4<f32>(1.0));
    let words = vec2<u32>(pack2x16unorm(held.rg), pack2x16unorm(held.ba));
    return select(words, vec2<u32>(0u), words.y < 0x00010000u);
}
