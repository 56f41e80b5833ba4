//! Winograd's transforms of F(4x4, 3x3) (Lavin and Gray 2016), sixteen tiles side by side.

use std::array::from_fn;

/// Tiles of a chunk: the lanes of one or several of the processor's vectors.
pub const LANES: usize = 16;
/// Values of a transformed tile.
pub const POINTS: usize = 36;

pub type Lanes = [f32; LANES];

/// A row or a column of tiles of the picture.
#[inline(always)]
pub fn forth_line(line: [Lanes; 6]) -> [Lanes; 6] {
    let mut made = [[0.0; LANES]; 6];
    for n in 0..LANES {
        let [a, b, c, d, e, f]: [f32; 6] = from_fn(|i| line[i][n]);
        let (even, odd) = (e - 4.0 * c, d - 4.0 * b);
        let (near, far) = (e - c, 2.0 * (d - b));
        made[0][n] = 4.0 * a - 5.0 * c + e;
        made[1][n] = even + odd;
        made[2][n] = even - odd;
        made[3][n] = near + far;
        made[4][n] = near - far;
        made[5][n] = 4.0 * b - 5.0 * d + f;
    }
    made
}

/// Four by four results of a product, whose points are `tile(0)` to `tile(35)`.
#[inline(always)]
pub fn transform_back<'a>(tile: impl Fn(usize) -> &'a Lanes, bias: f32, relu: bool) -> [Lanes; 16] {
    let mut half = [[0.0; LANES]; 24];
    for j in 0..6 {
        let column: [&Lanes; 6] = from_fn(|i| tile(i * 6 + j));
        for n in 0..LANES {
            let [p, q, r, s] = back_line(column.map(|lanes| lanes[n]));
            half[j][n] = p;
            half[6 + j][n] = q;
            half[12 + j][n] = r;
            half[18 + j][n] = s;
        }
    }
    let mut back = [[0.0; LANES]; 16];
    let least = if relu { 0.0 } else { f32::NEG_INFINITY };
    for i in 0..4 {
        for n in 0..LANES {
            let line = back_line(from_fn(|j| half[i * 6 + j][n]));
            for j in 0..4 {
                back[i * 4 + j][n] = (line[j] + bias).max(least);
            }
        }
    }
    back
}

#[inline(always)]
fn back_line([a, b, c, d, e, f]: [f32; 6]) -> [f32; 4] {
    let (p, q, u, v) = (b + c, b - c, d + e, d - e);
    [a + p + u, q + 2.0 * v, p + 4.0 * u, q + 8.0 * v + f]
}
