// Winograd's F(4x4, 3x3) (Lavin and Gray 2016): tiles of 4x4 results from 6x6 values, 36 products a channel.

// Values of a transformed tile.
const POINTS = 36u;

// Where the results of a tile begin, in x and y. Dilated pictures are cut into as many as there are phases: every so
// many-th row and column.
fn tile_origin(tile: u32, across: u32, down: u32, dilation: u32) -> vec2<u32> {
    let phase = tile / (across * down);
    let cell = vec2<u32>(tile % across, tile / across % down);
    return vec2<u32>(phase % dilation, phase / dilation) + 4u * dilation * cell;
}

// A line of a tile of the picture.
fn winograd_forth(v: array<f32, 6>) -> array<f32, 6> {
    let even = v[4] - 4.0 * v[2];
    let odd = v[3] - 4.0 * v[1];
    let near = v[4] - v[2];
    let far = 2.0 * (v[3] - v[1]);
    return array<f32, 6>(
        4.0 * v[0] - 5.0 * v[2] + v[4],
        even + odd,
        even - odd,
        near + far,
        near - far,
        4.0 * v[1] - 5.0 * v[3] + v[5],
    );
}

// A line of a kernel.
fn winograd_weights(w: vec3<f32>) -> array<f32, 6> {
    let ends = (w.x + w.z) / 6.0;
    let far = w.x / 24.0 + w.z / 6.0;
    return array<f32, 6>(w.x / 4.0, -ends - w.y / 6.0, w.y / 6.0 - ends, far + w.y / 12.0, far - w.y / 12.0, w.z);
}

// A line of results.
fn winograd_back(v: array<f32, 6>) -> vec4<f32> {
    let p = v[1] + v[2];
    let q = v[1] - v[2];
    let r = v[3] + v[4];
    let s = v[3] - v[4];
    return vec4<f32>(v[0] + p + r, q + 2.0 * s, p + 4.0 * r, q + 8.0 * s + v[5]);
}
