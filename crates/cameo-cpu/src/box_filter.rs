//! Box means at selected pixels.
//!
//! The guided filter and blur fusion need means only near the soft edge of a matte, which is a small part of a photo.

use std::ops::Range;

use rayon::prelude::*;

/// Rows that share one set of running sums: few enough that the rounding errors of the sums do not add up.
const CHUNK_ROWS: usize = 32;

/// Values of some pixels of a plane, each with the index of its pixel.
pub type SparseValues<T> = Vec<(usize, T)>;

/// Averages `source` over the `2 * radius + 1` by `2 * radius + 1` pixels around each needed pixel of a plane of
/// `[height, width]`. `source(i)` returns the values of the pixel `i = y * width + x`; `finish(i, means)` turns their
/// means into the result of that pixel, or returns `None` to leave it out. Returns one list per chunk of rows, as
/// [`scatter`] takes them.
///
/// Boxes end at the plane's border. `needed` gets the rows of a chunk and returns one flag per column; no means are
/// computed in the other columns.
pub fn sparse_box_means<const N: usize, T: Send>(
    [height, width]: [usize; 2],
    radius: usize,
    source: impl Fn(usize) -> [f32; N] + Sync,
    needed: impl Fn(Range<usize>) -> Vec<bool> + Sync,
    finish: impl Fn(usize, [f32; N]) -> Option<T> + Sync,
) -> Vec<SparseValues<T>> {
    let chunks = (0..height.div_ceil(CHUNK_ROWS)).into_par_iter().map(|chunk| {
        let rows = chunk * CHUNK_ROWS..((chunk + 1) * CHUNK_ROWS).min(height);
        let runs = column_runs(&needed(rows.clone())).into_iter();
        let runs = runs.map(|columns| ColumnSums::new(columns, radius, width)).collect();
        chunk_means(rows, [height, width], radius, runs, &source, &finish)
    });
    chunks.collect()
}

/// Slides the boxes down over `rows` and collects the means in the columns of `runs`.
fn chunk_means<const N: usize, T>(
    rows: Range<usize>,
    [height, width]: [usize; 2],
    radius: usize,
    mut runs: Vec<ColumnSums<N>>,
    source: &impl Fn(usize) -> [f32; N],
    finish: &impl Fn(usize, [f32; N]) -> Option<T>,
) -> SparseValues<T> {
    let add_row = |runs: &mut [ColumnSums<N>], y: usize, sign: f32| {
        runs.iter_mut().for_each(|run| run.add_row(y * width, sign, source));
    };
    let mut means = Vec::new();
    let first = rows.start.saturating_sub(radius);
    (first..(rows.start + radius).min(height)).for_each(|y| add_row(&mut runs, y, 1.0));
    for y in rows {
        if y + radius < height {
            add_row(&mut runs, y + radius, 1.0);
        }
        if y > radius && y - radius > first {
            add_row(&mut runs, y - radius - 1, -1.0);
        }
        let box_height = (y + radius + 1).min(height) - y.saturating_sub(radius);
        for run in &runs {
            for x in run.columns.clone() {
                let box_columns = x.saturating_sub(radius)..(x + radius + 1).min(width);
                let scale = 1.0 / (box_height * box_columns.len()) as f32;
                let sum = run.box_sum(box_columns);
                let i = y * width + x;
                means.extend(finish(i, sum.map(|sum| sum * scale)).map(|value| (i, value)));
            }
        }
    }
    means
}

/// The column sums of the boxes around a run of needed columns.
struct ColumnSums<const N: usize> {
    /// The needed columns.
    columns: Range<usize>,
    /// The columns that their boxes cover: up to `radius` more on each side.
    covered: Range<usize>,
    /// For each covered column, the sum over the rows that the boxes cover.
    sums: Vec<[f32; N]>,
}

impl<const N: usize> ColumnSums<N> {
    fn new(columns: Range<usize>, radius: usize, width: usize) -> Self {
        let covered = columns.start.saturating_sub(radius)..(columns.end + radius).min(width);
        Self { columns, sums: vec![[0.0; N]; covered.len()], covered }
    }

    /// Adds `sign` times the row whose first pixel is `row_start`.
    #[inline]
    fn add_row(&mut self, row_start: usize, sign: f32, source: &impl Fn(usize) -> [f32; N]) {
        for (sum, x) in self.sums.iter_mut().zip(self.covered.clone()) {
            let value = source(row_start + x);
            sum.iter_mut().zip(value).for_each(|(sum, value)| *sum += sign * value);
        }
    }

    #[inline]
    fn box_sum(&self, columns: Range<usize>) -> [f32; N] {
        let mut total = [0.0; N];
        for sum in &self.sums[columns.start - self.covered.start..columns.end - self.covered.start] {
            total.iter_mut().zip(sum).for_each(|(total, sum)| *total += sum);
        }
        total
    }
}

/// Applies `assign` to the pixels of `out`, a plane of `width` columns, that [`sparse_box_means`] gave values for.
pub fn scatter<T: Send, U: Send>(
    chunks: Vec<SparseValues<T>>,
    width: usize,
    out: &mut [U],
    assign: impl Fn(&mut U, T) + Sync,
) {
    out.par_chunks_mut(CHUNK_ROWS * width).zip(chunks).enumerate().for_each(|(chunk, (out, values))| {
        let start = chunk * CHUNK_ROWS * width;
        values.into_iter().for_each(|(i, value)| assign(&mut out[i - start], value));
    });
}

/// Returns the runs of consecutive needed columns.
fn column_runs(needed: &[bool]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (x, _) in needed.iter().enumerate().filter(|(_, needed)| **needed) {
        match runs.last_mut() {
            Some(run) if run.end == x => run.end = x + 1,
            _ => runs.push(x..x + 1),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_is_that_of_the_box_within_the_plane() {
        let (width, height, radius) = (13, 71, 2);
        let value = |i: usize| ((i * 7919) % 101) as f32;
        let mut found = vec![[0.0; 2]; width * height];
        let source = |i| [value(i), 1.0];
        let means = sparse_box_means([height, width], radius, source, |_| vec![true; 13], |_, mean| Some(mean));
        scatter(means, width, &mut found, |found, mean| *found = mean);
        for (i, found) in found.iter().enumerate() {
            let (x, y) = (i % width, i / width);
            let mut covered = Vec::new();
            for dy in y.saturating_sub(radius)..(y + radius + 1).min(height) {
                for dx in x.saturating_sub(radius)..(x + radius + 1).min(width) {
                    covered.push(value(dy * width + dx));
                }
            }
            let want = covered.iter().sum::<f32>() / covered.len() as f32;
            assert!((found[0] - want).abs() < 1e-3, "{i}: {} is not {want}", found[0]);
            assert!((found[1] - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn columns_that_are_not_needed_stay_unchanged_and_do_not_affect_the_others() {
        let run = |columns: Range<usize>| {
            let mut out = vec![-1.0; 800];
            let needed = |_| (0..20).map(|x| columns.contains(&x)).collect();
            let means = sparse_box_means([40, 20], 3, |i| [i as f32], needed, |_, [mean]| Some(mean));
            scatter(means, 20, &mut out, |out, mean| *out = mean);
            out
        };
        let (all, some) = (run(0..20), run(5..9));
        for (i, (all, some)) in all.iter().zip(&some).enumerate() {
            let want = if (5..9).contains(&(i % 20)) { *all } else { -1.0 };
            assert!((some - want).abs() < 1e-2, "{i}");
        }
    }
}
