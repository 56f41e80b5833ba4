// Winograd's minimal filtering F(4x4, 3x3) (Lavin and Gray 2016): 4x4 results of a 3x3 convolution from a tile of 6x6
// values, with 36 multiplications instead of 144.

// Returns x and y of a tile's first result. A convolution of dilation d is d * d plain convolutions, one for each phase:
// the subimage of every d-th row and column from one of d * d starts. Each phase has tiles_across * tiles_down tiles.
fn tile_origin(tile: u32, tiles_across: u32, tiles_down: u32, dilation: u32) -> vec2<u32> {
    let phase = tile / (tiles_across * tiles_down);
    let cell = vec2<u32>(tile % tiles_across, tile / tiles_across % tiles_down);
    return vec2<u32>(phase % dilation, phase / dilation) + 4u * dilation * cell;
}

// Transforms one row or column of an input tile.
fn input_transform(v: array<f32, 6>) -> array<f32, 6> {
    let even_4 = v[4] - 4.0 * v[2];
    let odd_4 = v[3] - 4.0 * v[1];
    let even_1 = v[4] - v[2];
    let odd_2 = 2.0 * (v[3] - v[1]);
    return array<f32, 6>(
        4.0 * v[0] - 5.0 * v[2] + v[4],
        even_4 + odd_4,
        even_4 - odd_4,
        even_1 + odd_2,
        even_1 - odd_2,
        4.0 * v[1] - 5.0 * v[3] + v[5],
    );
}

// Transforms one row or column of a 3x3 kernel.
fn weight_transform(w: vec3<f32>) -> array<f32, 6> {
    let ends_6 = (w.x + w.z) / 6.0;
    let ends_24 = w.x / 24.0 + w.z / 6.0;
    return array<f32, 6>(
        w.x / 4.0,
        -ends_6 - w.y / 6.0,
        w.y / 6.0 - ends_6,
        ends_24 + w.y / 12.0,
        ends_24 - w.y / 12.0,
        w.z,
    );
}

// Transforms one row or column of the products back to four results.
fn output_transform(v: array<f32, 6>) -> vec4<f32> {
    let sum_12 = v[1] + v[2];
    let difference_12 = v[1] - v[2];
    let sum_34 = v[3] + v[4];
    let difference_34 = v[3] - v[4];
    return vec4<f32>(
        v[0] + sum_12 + sum_34,
        difference_12 + 2.0 * difference_34,
        sum_12 + 4.0 * sum_34,
        difference_12 + 8.0 * difference_34 + v[5],
    );
}
