//! Winograd's transforms of F(4x4, 3x3) (Lavin and Gray 2016), sixteen tiles side by side.

use std::array::from_fn;

/// Tiles of a chunk: the lanes of one or several of the processor's vectors.
pub const LANES: usize = 16;
/// Values of a transformed tile.
pub const POINTS: usize = 36;

pub type Lanes = [f32; LANES];

/// Six by six values of sixteen tiles side by side, whose results begin at `(y, x)`; 0 outside the plane.
#[inline(always)]
pub fn gather_row(plane: &[f32], [height, width]: [usize; 2], y: usize, x: usize, tile: &mut [Lanes; POINTS]) {
    /// Sixteen tiles of four, and two columns beyond; a tile's worth, so that all is read by fours.
    const GROUPS: usize = LANES + 1;
    for i in 0..6 {
        let row_at = (y + i).wrapping_sub(1);
        let lanes: &mut [Lanes; 6] = tile[i * 6..].first_chunk_mut().expect("six points a row");
        if row_at >= height {
            lanes.fill([0.0; LANES]);
            continue;
        }
        let row = &plane[row_at * width..][..width];
        let mut padded = [0.0; 4 * GROUPS];
        let whole: &[f32; 4 * GROUPS] = match x.checked_sub(1).and_then(|x| row.get(x..)?.first_chunk()) {
            Some(whole) => whole,
            None => {
                let from = x.saturating_sub(1);
                let skip = 1 - (x - from);
                let count = (width - from).min(4 * GROUPS - skip);
                padded[skip..skip + count].copy_from_slice(&row[from..from + count]);
                &padded
            }
        };
        // Read by fours, which the compiler turns into shuffles; a tile's last two columns are the next one's first.
        let mut columns = [[0.0; GROUPS]; 4];
        for (n, group) in whole.as_chunks::<4>().0.iter().enumerate() {
            for j in 0..4 {
                columns[j][n] = group[j];
            }
        }
        for (j, lanes) in lanes.iter_mut().enumerate() {
            lanes.copy_from_slice(&columns[j % 4][j / 4..][..LANES]);
        }
    }
}

/// A tile of the picture, six by six, in place.
#[inline(always)]
pub fn transform(tile: &mut [Lanes; POINTS]) {
    for i in 0..6 {
        transform_line(tile, i * 6, 1);
    }
    for j in 0..6 {
        transform_line(tile, j, 6);
    }
}

#[inline(always)]
fn transform_line(tile: &mut [Lanes; POINTS], at: usize, step: usize) {
    for n in 0..LANES {
        let [a, b, c, d, e, f]: [f32; 6] = from_fn(|i| tile[at + i * step][n]);
        let (even, odd) = (e - 4.0 * c, d - 4.0 * b);
        let (near, far) = (e - c, 2.0 * (d - b));
        tile[at][n] = 4.0 * a - 5.0 * c + e;
        tile[at + step][n] = even + odd;
        tile[at + 2 * step][n] = even - odd;
        tile[at + 3 * step][n] = near + far;
        tile[at + 4 * step][n] = near - far;
        tile[at + 5 * step][n] = 4.0 * b - 5.0 * d + f;
    }
}

/// Four by four results of a product, whose points are `tile(0)` to `tile(35)`.
#[inline(always)]
pub fn transform_back<'a>(tile: impl Fn(usize) -> &'a Lanes, bias: f32, relu: bool, back: &mut [Lanes; 16]) {
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
    let least = if relu { 0.0 } else { f32::NEG_INFINITY };
    for i in 0..4 {
        for n in 0..LANES {
            let line = back_line(from_fn(|j| half[i * 6 + j][n]));
            for j in 0..4 {
                back[i * 4 + j][n] = (line[j] + bias).max(least);
            }
        }
    }
}

#[inline(always)]
fn back_line([a, b, c, d, e, f]: [f32; 6]) -> [f32; 4] {
    let (p, q, u, v) = (b + c, b - c, d + e, d - e);
    [a + p + u, q + 2.0 * v, p + 4.0 * u, q + 8.0 * v + f]
}
