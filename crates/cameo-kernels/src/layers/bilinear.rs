//! Bilinear resampling of feature maps.

use multiversion::multiversion;
use rayon::prelude::*;

/// Resamples `map`, `[channels, from[0], from[1]]`, bilinearly to `out`, `[channels, to[0], to[1]]`, with half-pixel
/// centres.
pub fn resize_bilinear(map: &[f32], from: [usize; 2], to: [usize; 2], out: &mut [f32]) {
    let [rows, columns] = [0, 1].map(|axis| samples(from[axis], to[axis]));
    let planes = out.par_chunks_exact_mut(to[0] * to[1]).zip(map.par_chunks_exact(from[0] * from[1]));
    planes.for_each_init(
        || vec![0.0; from[0] * to[1]],
        |stretched, (out, plane)| resize_plane(plane, from[1], &rows, &columns, stretched, out),
    );
}

/// Resamples across, into `stretched`, then down.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn resize_plane(
    plane: &[f32],
    from: usize,
    rows: &[Sample],
    columns: &[Sample],
    stretched: &mut [f32],
    out: &mut [f32],
) {
    let to = columns.len();
    for (stretched, row) in stretched.chunks_exact_mut(to).zip(plane.chunks_exact(from)) {
        if to == 2 * from {
            double_row(row, stretched);
            continue;
        }
        for (out, &Sample { low, high, fraction }) in stretched.iter_mut().zip(columns) {
            *out = row[low] + (row[high] - row[low]) * fraction;
        }
    }
    for (out, &Sample { low, high, fraction }) in out.chunks_exact_mut(to).zip(rows) {
        let (low, high) = (&stretched[low * to..][..to], &stretched[high * to..][..to]);
        for (out, (low, high)) in out.iter_mut().zip(low.iter().zip(high)) {
            *out = low + (high - low) * fraction;
        }
    }
}

/// Resamples a row to twice its width, as its samples would, but without a table.
#[inline(always)]
fn double_row(row: &[f32], out: &mut [f32]) {
    let last = row.len() - 1;
    (out[0], out[2 * last + 1]) = (row[0], row[last]);
    for (pair, out) in row.windows(2).zip(out[1..].as_chunks_mut::<2>().0) {
        let step = pair[1] - pair[0];
        *out = [pair[0] + step * 0.25, pair[0] + step * 0.75];
    }
}

/// The two input values that an output value lies between, and the weight of the second.
struct Sample {
    low: usize,
    high: usize,
    fraction: f32,
}

/// Returns the samples of an axis that is resampled from `from` values to `to`.
fn samples(from: usize, to: usize) -> Vec<Sample> {
    let last = from as f32 - 1.0;
    let sample = |i: usize| {
        let centre = ((i as f32 + 0.5) * (from as f32 / to as f32) - 0.5).clamp(0.0, last);
        let low = centre.floor();
        Sample { low: low as usize, high: ((low + 1.0).min(last)) as usize, fraction: centre - low }
    };
    (0..to).map(sample).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resized(map: &[f32], from: [usize; 2], to: [usize; 2]) -> Vec<f32> {
        let mut out = vec![f32::NAN; map.len() / (from[0] * from[1]) * to[0] * to[1]];
        resize_bilinear(map, from, to, &mut out);
        out
    }

    #[test]
    fn a_ramp_stays_a_ramp_and_its_ends_are_held() {
        let ramp = [0.0, 1.0, 2.0, 3.0];
        assert_eq!(resized(&ramp, [1, 4], [1, 8]), [0.0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.0]);
        assert_eq!(resized(&ramp, [4, 1], [2, 1]), [0.5, 2.5]);
        assert_eq!(resized(&[7.0], [1, 1], [2, 2]), [7.0; 4]);
    }

    #[test]
    fn doubling_without_a_table_equals_the_samples() {
        let row: Vec<f32> = (0..37).map(|i| ((i * 7919) % 1009) as f32 / 1009.0).collect();
        let at = |Sample { low, high, fraction }| row[low] + (row[high] - row[low]) * fraction;
        let want: Vec<f32> = samples(37, 74).into_iter().map(at).collect();
        assert_eq!(resized(&row, [1, 37], [1, 74]), want);
    }
}
