// Stores finished pixels. Expects the binding `picture`, and the parameters `picture_offset` (words before the first
// pixel) and `words_per_pixel`: 1 for 8 bits per channel, 2 for 16.

// Stores pixel `index`.
fn store_pixel(index: u32, straight: vec4<f32>) {
    let output = params.picture_offset + index * params.words_per_pixel;
    if (params.words_per_pixel == 1u) {
        picture[output] = packed8_from_straight(straight);
    } else {
        let words = packed16_from_straight(straight);
        picture[output] = words.x;
        picture[output + 1u] = words.y;
    }
}
