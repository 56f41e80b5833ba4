//! The rows of a run of tiles on their way between a feature map and the lanes of vectors.

use multiversion::multiversion;

use crate::conv::gemm::LANES;

/// Tiles of a run at most: its buffers fit the first-level cache of a core.
pub const MAX_RUN: usize = 4 * LANES;

/// Values of a row that a run reads: those of one tile more than it has.
pub const ROW_LEN: usize = 4 * COLUMN_LEN;
const COLUMN_LEN: usize = MAX_RUN + LANES;

/// Rows of a run, and the same values apart by their column within a tile.
#[derive(Debug)]
pub struct RowBuffers {
    pub rows: [[f32; ROW_LEN]; 6],
    pub columns: [[[f32; COLUMN_LEN]; 4]; 6],
}

impl Default for RowBuffers {
    fn default() -> Self {
        Self { rows: [[0.0; ROW_LEN]; 6], columns: [[[0.0; COLUMN_LEN]; 4]; 6] }
    }
}

/// Takes every fourth value of `rows` apart, `count` of each column.
// A function of its own with separate arguments, so that the compiler emits shuffles.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
pub fn deinterleave4(rows: &[[f32; ROW_LEN]; 6], columns: &mut [[[f32; COLUMN_LEN]; 4]; 6], count: usize) {
    for (row, [a, b, c, d]) in rows.iter().zip(columns) {
        let fours = row.as_chunks::<4>().0;
        for n in 0..count.min(COLUMN_LEN) {
            [a[n], b[n], c[n], d[n]] = fours[n];
        }
    }
}

/// Joins `count` lanes from `first` on of the 16 positions within a tile to four rows.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
pub fn interleave4(results: &[f32], first: usize, count: usize, rows: &mut [[f32; ROW_LEN]; 6]) {
    let stride = results.len() / 16;
    for (i, row) in rows[..4].iter_mut().enumerate() {
        let fours = &mut row.as_chunks_mut::<4>().0[..count];
        let lanes = |j: usize| &results[(i * 4 + j) * stride + first..][..count];
        let (a, b, c, d) = (lanes(0), lanes(1), lanes(2), lanes(3));
        for n in 0..count {
            fours[n] = [a[n], b[n], c[n], d[n]];
        }
    }
}

/// Writes `values` to `out`, `dilation` elements apart, and adds `residual`, which lies as `out` does.
#[inline(always)]
pub fn write_row(values: &[f32], out: &mut [f32], residual: Option<&[f32]>, dilation: usize) {
    match (dilation, residual) {
        (1, None) => out[..values.len()].copy_from_slice(values),
        (1, Some(residual)) => {
            for ((to, value), residual) in out.iter_mut().zip(values).zip(residual) {
                *to = value + residual;
            }
        }
        (_, None) => out.iter_mut().step_by(dilation).zip(values).for_each(|(to, value)| *to = *value),
        (_, Some(residual)) => {
            let targets = out.iter_mut().zip(residual).step_by(dilation);
            targets.zip(values).for_each(|((to, residual), value)| *to = value + residual);
        }
    }
}
