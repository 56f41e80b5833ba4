//! Pooling: the maximum of small cells, and the mean of whole channels.

use multiversion::multiversion;
use rayon::prelude::*;

/// Writes the maximum of each 2x2 cell of `map`, `[channels, height, width]`, to `out`,
/// `[channels, ceil(height / 2), ceil(width / 2)]`. An odd last row or column makes cells of its own.
pub fn max_pool2(map: &[f32], [height, width]: [usize; 2], out: &mut [f32]) {
    let cells = height.div_ceil(2) * width.div_ceil(2);
    let planes = out.par_chunks_exact_mut(cells).zip(map.par_chunks_exact(height * width));
    planes.for_each(|(out, plane)| max_pool2_plane(plane, width, out));
}

#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn max_pool2_plane(plane: &[f32], width: usize, out: &mut [f32]) {
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

/// Writes the mean of each channel of `map`, `[channels, height, width]`, to `means`, `[channels]`.
pub fn channel_means(map: &[f32], means: &mut [f32]) {
    let len = map.len() / means.len();
    means.par_iter_mut().zip(map.par_chunks_exact(len)).for_each(|(mean, plane)| *mean = sum(plane) / len as f32);
}

/// Returns the sum, from 32 partial sums: that is faster, and rounds less.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn sum(values: &[f32]) -> f32 {
    let (chunks, rest) = values.as_chunks::<32>();
    let mut sums = [0.0; 32];
    for chunk in chunks {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum += value;
        }
    }
    sums.iter().chain(rest).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pooled(map: &[f32], size: [usize; 2], count: usize) -> Vec<f32> {
        let mut out = vec![f32::NAN; count];
        max_pool2(map, size, &mut out);
        out
    }

    #[test]
    fn an_odd_last_row_or_column_makes_cells_of_its_own() {
        let map: Vec<f32> = (0..2 * 3 * 5).map(|i| i as f32).collect();
        let want = [6.0, 8.0, 9.0, 11.0, 13.0, 14.0, 21.0, 23.0, 24.0, 26.0, 28.0, 29.0];
        assert_eq!(pooled(&map, [3, 5], 12), want);
        assert_eq!(pooled(&[3.0], [1, 1], 1), [3.0]);
    }

    #[test]
    fn means_are_those_of_each_channel() {
        let map: Vec<f32> = (0..3 * 77).map(|i| i as f32).collect();
        let mut means = [f32::NAN; 3];
        channel_means(&map, &mut means);
        assert_eq!(means, [38.0, 115.0, 192.0]);
        channel_means(&[4.0, 5.0, 6.0], &mut means);
        assert_eq!(means, [4.0, 5.0, 6.0]);
    }
}
