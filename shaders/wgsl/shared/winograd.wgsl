// Winograd's minimal filtering F(4x4, 3x3) (Lavin and Gray 2016): 4x4 results of a 3x3 convolution from a tile of 6x6
// values, with 36 multiplications instead of 144.

// Returns x and y of a tile's first result. A convolution of dilation d is d * d plain convolutions, one for each phase:
// the subimage of every d-th row and column from one of d * d starts. Each phase has tiles_across * tiles_down tiles.
fn tile_origin(tile: u32, tiles_across: u32, tiles_down: u32, dilation: u32) -> vec2<u32> {
    let phase = tile / (tiles_across * tiles_down);
    let cell = vec2<u32>(tile % tiles_across, tile / tiles_across % tiles_down);
    return vec2<u32>(phase % dilation, phase / dilation) + 4u * dilation * cell;
}

// A row or a column of a tile. Not an array: where a driver does not unroll the loop that indexes one, the array lies in
// memory instead of registers.
struct Six {
    a: f32,
    b: f32,
    c: f32,
    d: f32,
    e: f32,
    f: f32,
}

// Transforms one row or column of an input tile.
fn input_transform(v: Six) -> Six {
    let even_4 = v.e - 4.0 * v.c;
    let odd_4 = v.d - 4.0 * v.b;
    let even_1 = v.e - v.c;
    let odd_2 = 2.0 * (v.d - v.b);
    return Six(
        4.0 * v.a - 5.0 * v.c + v.e,
        even_4 + odd_4,
        even_4 - odd_4,
        even_1 + odd_2,
        even_1 - odd_2,
        4.0 * v.b - 5.0 * v.d + v.f,
    );
}

// Transforms one row or column of a 3x3 kernel.
fn weight_transform(w: vec3<f32>) -> Six {
    let ends_6 = (w.x + w.z) / 6.0;
    let ends_24 = w.x / 24.0 + w.z / 6.0;
    return Six(
        w.x / 4.0,
        -ends_6 - w.y / 6.0,
        w.y / 6.0 - ends_6,
        ends_24 + w.y / 12.0,
        ends_24 - w.y / 12.0,
        w.z,
    );
}

// Transforms one row or column of the products back to four results.
fn output_transform(v: Six) -> vec4<f32> {
    let sum_12 = v.b + v.c;
    let difference_12 = v.b - v.c;
    let sum_34 = v.d + v.e;
    let difference_34 = v.d - v.e;
    return vec4<f32>(
        v.a + sum_12 + sum_34,
        difference_12 + 2.0 * difference_34,
        sum_12 + 4.0 * sum_34,
        difference_12 + 8.0 * difference_34 + v.f,
    );
}
