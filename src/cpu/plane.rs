//! Planes of one value a pixel, and what the matte's stages do with small ones.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::rules::Window;
use crate::taps::Taps;

/// A plane of one value a pixel, rows from the top: a matte in 0..1.
#[derive(Debug, Clone, PartialEq)]
pub struct Plane {
    pub width: u32,
    pub height: u32,
    pub values: Vec<f32>,
}

impl Plane {
    pub fn square(side: usize, values: Vec<f32>) -> Self {
        assert_eq!(values.len(), side * side, "a value a pixel");
        Self { width: side as u32, height: side as u32, values }
    }

    pub fn map(&self, change: impl FnMut(&f32) -> f32) -> Self {
        Self { values: self.values.iter().map(change).collect(), ..*self }
    }

    /// Resampled across by one table, then down by the other.
    pub fn resample(&self, across: &Taps, down: &Taps) -> Self {
        let wide = self.across(across);
        let width = across.first.len();
        let mut values = vec![0.0; width * down.first.len()];
        values.par_chunks_exact_mut(width).enumerate().for_each(|(y, out)| down_row(&wide, down, y, out));
        Self { width: width as u32, height: down.first.len() as u32, values }
    }

    /// The rows, resampled along themselves.
    pub fn across(&self, taps: &Taps) -> Vec<f32> {
        let width = taps.first.len();
        let mut wide = vec![0.0; width * self.height as usize];
        let rows = wide.par_chunks_exact_mut(width).zip(self.values.par_chunks_exact(self.width as usize));
        rows.for_each(|(out, row)| {
            for (out, (&first, weights)) in out.iter_mut().zip(taps.first.iter().zip(taps.weights.chunks(taps.width))) {
                let from = &row[first as usize..];
                *out = weights.iter().zip(from).map(|(weight, value)| weight * value).sum();
            }
        });
        wide
    }

    /// Blurred by odd `weights`; beyond the plane its outermost pixels go on.
    pub fn blur(&self, weights: &[f32]) -> Self {
        let across = clamped(weights, self.width as usize);
        let down = clamped(weights, self.height as usize);
        self.resample(&across, &down)
    }

    /// This plane lies over a whole photo of `width` by `height`: the part over `window`, at this plane's own size.
    ///
    /// Bilinear, and exact where the window is the photo.
    pub fn over(&self, window: &Window, width: u32, height: u32) -> Self {
        let across = cut(self.width, window.left, window.width, width);
        let down = cut(self.height, window.top, window.height, height);
        self.resample(&across, &down)
    }
}

/// Row `y` of the rows `wide`, which are as wide as `out`, resampled down.
#[multiversion(targets("x86_64+avx2"))]
pub fn down_row(wide: &[f32], down: &Taps, y: usize, out: &mut [f32]) {
    out.fill(0.0);
    for (k, &weight) in down.weights[y * down.width..][..down.width].iter().enumerate() {
        let from = down.first[y] as usize + k;
        if weight != 0.0 {
            let row = &wide[from * out.len()..][..out.len()];
            out.iter_mut().zip(row).for_each(|(out, value)| *out += weight * value);
        }
    }
}

/// A table that blurs by `weights`, their part beyond the ends laid on the outermost samples.
fn clamped(weights: &[f32], count: usize) -> Taps {
    let radius = weights.len() / 2;
    let width = weights.len().min(count);
    let mut first = Vec::with_capacity(count);
    let mut table = vec![0.0; count * width];
    for i in 0..count {
        let start = i.saturating_sub(radius).min(count - width);
        first.push(start as u32);
        for (k, &weight) in weights.iter().enumerate() {
            let at = (i + k).saturating_sub(radius).min(count - 1);
            table[i * width + at - start] += weight;
        }
    }
    Taps { first, weights: table, width }
}

/// `count` samples over a photo's `full` pixels, taken bilinearly at the centres of as many over `length` from `start`.
fn cut(count: u32, start: u32, length: u32, full: u32) -> Taps {
    let mut taps = Taps { first: Vec::new(), weights: Vec::new(), width: 2 };
    let scale = count as f32 / full as f32;
    for i in 0..count {
        let pixel = start as f32 + (i as f32 + 0.5) * (length as f32 / count as f32);
        let centre = (pixel * scale - 0.5).clamp(0.0, (count - 1) as f32);
        let low = (centre as u32).min(count.saturating_sub(2));
        let share = centre - low as f32;
        taps.first.push(low);
        taps.weights.extend([1.0 - share, share]);
    }
    taps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(side: usize) -> Plane {
        Plane::square(side, (0..side * side).map(|i| (i % side) as f32 + 10.0 * (i / side) as f32).collect())
    }

    #[test]
    fn the_part_over_the_whole_photo_is_the_plane_itself() {
        let plane = ramp(8);
        let same = plane.over(&Window::whole(640, 480), 640, 480);
        for (found, want) in same.values.iter().zip(&plane.values) {
            assert!((found - want).abs() < 1e-4, "{found} is not {want}");
        }
    }

    #[test]
    fn the_part_over_the_right_half_begins_in_the_middle() {
        let half = ramp(8).over(&Window { left: 320, top: 0, width: 320, height: 480 }, 640, 480);
        assert!((half.values[0] - 3.75).abs() < 1e-4, "{}", half.values[0]);
        assert!((half.values[7] - 7.0).abs() < 1e-4, "{}", half.values[7]);
    }

    #[test]
    fn a_blur_keeps_a_flat_plane_and_the_sum_of_a_point() {
        let weights = crate::taps::gaussian(1.5);
        let flat = Plane::square(6, vec![0.7; 36]).blur(&weights);
        assert!(flat.values.iter().all(|value| (value - 0.7).abs() < 1e-6));
        let mut point = Plane::square(33, vec![0.0; 33 * 33]);
        point.values[16 * 33 + 16] = 1.0;
        let sum: f32 = point.blur(&weights).values.iter().sum();
        assert!((sum - 1.0).abs() < 1e-5);
    }
}
