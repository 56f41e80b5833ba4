//! Halving and resizing.

use multiversion::multiversion;
use rayon::prelude::*;

/// The largest of each 2x2 cell of each plane; an odd row or column at the end counts as a whole cell.
/// `stack` is `[_, height, width]`, `out` as many planes of half the size.
pub fn halve(stack: &[f32], [height, width]: [usize; 2], out: &mut [f32]) {
    let cells = height.div_ceil(2) * width.div_ceil(2);
    let planes = out.par_chunks_exact_mut(cells).zip(stack.par_chunks_exact(height * width));
    planes.for_each(|(out, plane)| halve_plane(plane, width, out));
}

#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn halve_plane(plane: &[f32], width: usize, out: &mut [f32]) {
    for (y, out) in out.chunks_exact_mut(width.div_ceil(2)).enumerate() {
        let upper = &plane[2 * y * width..][..width];
        let lower = plane.get((2 * y + 1) * width..).and_then(|rest| rest.get(..width)).unwrap_or(upper);
        let pairs = upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0);
        for (out, (upper, lower)) in out.iter_mut().zip(pairs) {
            *out = upper[0].max(upper[1]).max(lower[0].max(lower[1]));
        }
        if width % 2 == 1 {
            out[width / 2] = upper[width - 1].max(lower[width - 1]);
        }
    }
}

/// Each plane of `stack`, `[_, from[0], from[1]]`, bilinear with half-pixel centres at `to`, height and width.
pub fn resize(stack: &[f32], from: [usize; 2], to: [usize; 2], out: &mut [f32]) {
    let [rows, columns] = [0, 1].map(|axis| samples(from[axis], to[axis]));
    let planes = out.par_chunks_exact_mut(to[0] * to[1]).zip(stack.par_chunks_exact(from[0] * from[1]));
    planes.for_each_init(
        || vec![0.0; from[0] * to[1]],
        |wide, (out, plane)| resize_plane(plane, from[1], &rows, &columns, wide, out),
    );
}

#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn resize_plane(plane: &[f32], from: usize, rows: &[Sample], columns: &[Sample], wide: &mut [f32], out: &mut [f32]) {
    let to = columns.len();
    for (wide, row) in wide.chunks_exact_mut(to).zip(plane.chunks_exact(from)) {
        if to == 2 * from {
            double(row, wide);
            continue;
        }
        for (out, &Sample { low, high, share }) in wide.iter_mut().zip(columns) {
            *out = row[low] + (row[high] - row[low]) * share;
        }
    }
    for (out, &Sample { low, high, share }) in out.chunks_exact_mut(to).zip(rows) {
        let (low, high) = (&wide[low * to..][..to], &wide[high * to..][..to]);
        for (out, (low, high)) in out.iter_mut().zip(low.iter().zip(high)) {
            *out = low + (high - low) * share;
        }
    }
}

/// A row at twice its width: what the samples say, without looking them up.
#[inline(always)]
fn double(row: &[f32], out: &mut [f32]) {
    let last = row.len() - 1;
    (out[0], out[2 * last + 1]) = (row[0], row[last]);
    for (pair, out) in row.windows(2).zip(out[1..].as_chunks_mut::<2>().0) {
        let step = pair[1] - pair[0];
        *out = [pair[0] + step * 0.25, pair[0] + step * 0.75];
    }
}

/// The two samples that one lies between, and its share of the second.
struct Sample {
    low: usize,
    high: usize,
    share: f32,
}

fn samples(from: usize, to: usize) -> Vec<Sample> {
    let last = from as f32 - 1.0;
    let sample = |i: usize| {
        let centre = ((i as f32 + 0.5) * (from as f32 / to as f32) - 0.5).clamp(0.0, last);
        let low = centre.floor();
        Sample { low: low as usize, high: ((low + 1.0).min(last)) as usize, share: centre - low }
    };
    (0..to).map(sample).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn halved(stack: &[f32], size: [usize; 2], count: usize) -> Vec<f32> {
        let mut out = vec![f32::NAN; count];
        halve(stack, size, &mut out);
        out
    }

    fn resized(stack: &[f32], from: [usize; 2], to: [usize; 2]) -> Vec<f32> {
        let mut out = vec![f32::NAN; stack.len() / (from[0] * from[1]) * to[0] * to[1]];
        resize(stack, from, to, &mut out);
        out
    }

    #[test]
    fn an_odd_end_is_a_cell_of_its_own() {
        let stack: Vec<f32> = (0..2 * 3 * 5).map(|i| i as f32).collect();
        let want = [6.0, 8.0, 9.0, 11.0, 13.0, 14.0, 21.0, 23.0, 24.0, 26.0, 28.0, 29.0];
        assert_eq!(halved(&stack, [3, 5], 12), want);
        assert_eq!(halved(&[3.0], [1, 1], 1), [3.0]);
    }

    #[test]
    fn a_ramp_stays_one_and_the_ends_are_held() {
        let stack = [0.0, 1.0, 2.0, 3.0];
        assert_eq!(resized(&stack, [1, 4], [1, 8]), [0.0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.0]);
        assert_eq!(resized(&stack, [4, 1], [2, 1]), [0.5, 2.5]);
        assert_eq!(resized(&[7.0], [1, 1], [2, 2]), [7.0; 4]);
    }

    #[test]
    fn twice_as_wide_is_what_the_samples_say() {
        let row: Vec<f32> = (0..37).map(|i| ((i * 7919) % 1009) as f32 / 1009.0).collect();
        let want =
            samples(37, 74).into_iter().map(|Sample { low, high, share }| row[low] + (row[high] - row[low]) * share);
        assert_eq!(resized(&row, [1, 37], [1, 74]), want.collect::<Vec<_>>());
    }
}
