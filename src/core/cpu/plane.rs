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
        let rows = wide.par_chunks_mut(ROWS * width).zip(self.values.par_chunks(ROWS * self.width as usize));
        rows.for_each(|(out, rows)| across_rows(rows, self.width as usize, taps, out));
        wide
    }

    /// Blurred by odd `weights`, across then down; beyond the plane its outermost pixels go on.
    pub fn blur(&self, weights: &[f32]) -> Self {
        let (width, height) = (self.width as usize, self.height as usize);
        let radius = weights.len() / 2;
        let mut wide = vec![0.0; self.values.len()];
        wide.par_chunks_exact_mut(width).zip(self.values.par_chunks_exact(width)).for_each(|(out, row)| {
            let mut padded = vec![row[0]; radius];
            padded.extend_from_slice(row);
            padded.resize(width + 2 * radius, row[width - 1]);
            weights.iter().enumerate().for_each(|(k, &weight)| add(out, weight, &padded[k..]));
        });
        let mut values = vec![0.0; self.values.len()];
        values.par_chunks_exact_mut(width).enumerate().for_each(|(y, out)| {
            for (k, &weight) in weights.iter().enumerate() {
                let from = (y + k).saturating_sub(radius).min(height - 1);
                add(out, weight, &wide[from * width..]);
            }
        });
        Self { values, ..*self }
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

/// Rows that are resampled together, as lanes of the processor's vectors.
const ROWS: usize = 8;

/// `rows`, up to [`ROWS`] of `width` values, each resampled along itself.
#[multiversion(targets("x86_64+avx2"))]
fn across_rows(rows: &[f32], width: usize, taps: &Taps, out: &mut [f32]) {
    // The last taps may reach past the row's end, where they weigh nothing.
    let mut columns = vec![[0.0; ROWS]; width + taps.width];
    for (r, row) in rows.chunks_exact(width).enumerate() {
        columns.iter_mut().zip(row).for_each(|(column, &value)| column[r] = value);
    }
    let mut made = vec![[0.0; ROWS]; taps.first.len()];
    for (i, made) in made.iter_mut().enumerate() {
        let columns = &columns[taps.first[i] as usize..];
        let mut sum = [0.0; ROWS];
        for (weight, column) in taps.weights[i * taps.width..][..taps.width].iter().zip(columns) {
            for (sum, value) in sum.iter_mut().zip(column) {
                *sum += weight * value;
            }
        }
        *made = sum;
    }
    for (r, out) in out.chunks_exact_mut(made.len()).enumerate() {
        out.iter_mut().zip(&made).for_each(|(out, made)| *out = made[r]);
    }
}

/// Row `y` of the rows `wide`, which are as wide as `out`, resampled down.
pub fn down_row(wide: &[f32], down: &Taps, y: usize, out: &mut [f32]) {
    out.fill(0.0);
    for (k, &weight) in down.weights[y * down.width..][..down.width].iter().enumerate() {
        if weight != 0.0 {
            add(out, weight, &wide[(down.first[y] as usize + k) * out.len()..]);
        }
    }
}

/// `weight` times the first of `values` added to `out`.
#[multiversion(targets("x86_64+avx2"))]
fn add(out: &mut [f32], weight: f32, values: &[f32]) {
    out.iter_mut().zip(values).for_each(|(out, value)| *out += weight * value);
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
