// The result: pixels of `picture`, one or two `words` each, from `picture_skip` on.

// Straight; 8 or 16 bits a channel.
fn put(at: u32, pixel: vec4<f32>) {
    let to = params.picture_skip + at * params.words;
    if (params.words == 1u) {
        picture[to] = packed_from_straight(pixel);
    } else {
        let words = deeply_packed_from_straight(pixel);
        picture[to] = words.x;
        picture[to + 1u] = words.y;
    }
}
