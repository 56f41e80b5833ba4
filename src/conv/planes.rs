//! Halving and resizing.

use rayon::prelude::*;

/// The largest of each 2x2 cell of each plane; an odd row or column at the end counts as a whole cell.
/// `stack` is `[_, height, width]`.
pub fn halve(stack: &[f32], height: usize, width: usize) -> Vec<f32> {
    let (down, across) = (height.div_ceil(2), width.div_ceil(2));
    let mut out = vec![0.0; stack.len() / (height * width) * down * across];
    out.par_chunks_exact_mut(down * across).zip(stack.par_chunks_exact(height * width)).for_each(|(out, plane)| {
        for (y, out) in out.chunks_exact_mut(across).enumerate() {
            let upper = &plane[2 * y * width..][..width];
            let lower = plane.get((2 * y + 1) * width..).and_then(|rest| rest.get(..width)).unwrap_or(upper);
            let pairs = upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0);
            for (out, (upper, lower)) in out.iter_mut().zip(pairs) {
                *out = upper[0].max(upper[1]).max(lower[0].max(lower[1]));
            }
            if width % 2 == 1 {
                out[across - 1] = upper[width - 1].max(lower[width - 1]);
            }
        }
    });
    out
}

/// Each plane of `stack`, `[_, from[0], from[1]]`, bilinear with half-pixel centres at `to`, height and width.
pub fn resize(stack: &[f32], from: [usize; 2], to: [usize; 2]) -> Vec<f32> {
    let [rows, columns] = [0, 1].map(|axis| samples(from[axis], to[axis]));
    let mut out = vec![0.0; stack.len() / (from[0] * from[1]) * to[0] * to[1]];
    out.par_chunks_exact_mut(to[0] * to[1]).zip(stack.par_chunks_exact(from[0] * from[1])).for_each(|(out, plane)| {
        let mut wide = vec![0.0; from[0] * to[1]];
        for (wide, row) in wide.chunks_exact_mut(to[1]).zip(plane.chunks_exact(from[1])) {
            for (out, &Sample { low, high, share }) in wide.iter_mut().zip(&columns) {
                *out = row[low] + (row[high] - row[low]) * share;
            }
        }
        for (out, &Sample { low, high, share }) in out.chunks_exact_mut(to[1]).zip(&rows) {
            let (low, high) = (&wide[low * to[1]..][..to[1]], &wide[high * to[1]..][..to[1]]);
            for (out, (low, high)) in out.iter_mut().zip(low.iter().zip(high)) {
                *out = low + (high - low) * share;
            }
        }
    });
    out
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

    #[test]
    fn an_odd_end_is_a_cell_of_its_own() {
        let stack: Vec<f32> = (0..2 * 3 * 5).map(|i| i as f32).collect();
        let want = [6.0, 8.0, 9.0, 11.0, 13.0, 14.0, 21.0, 23.0, 24.0, 26.0, 28.0, 29.0];
        assert_eq!(halve(&stack, 3, 5), want);
        assert_eq!(halve(&[3.0], 1, 1), [3.0]);
    }

    #[test]
    fn a_ramp_stays_one_and_the_ends_are_held() {
        let stack = [0.0, 1.0, 2.0, 3.0];
        assert_eq!(resize(&stack, [1, 4], [1, 8]), [0.0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.0]);
        assert_eq!(resize(&stack, [4, 1], [2, 1]), [0.5, 2.5]);
    }
}
