//! Planes of one value per pixel, and the filters that the matte's stages apply to them.

use multiversion::multiversion;
use rayon::prelude::*;

use cameo_core::taps::Taps;
use cameo_core::tuning::Roi;

/// A plane of one `f32` per pixel, in rows from the top: a matte, a confidence or a mask, in 0..1.
#[derive(Debug, Clone, PartialEq)]
pub struct Plane {
    pub width: u32,
    pub height: u32,
    pub values: Vec<f32>,
}

impl Plane {
    /// Returns a plane of `side` by `side` pixels.
    ///
    /// # Panics
    /// If `values` does not hold `side * side` values.
    pub fn square(side: usize, values: Vec<f32>) -> Self {
        assert_eq!(values.len(), side * side, "a plane holds one value per pixel");
        Self { width: side as u32, height: side as u32, values }
    }

    /// Returns a plane of the same size with `change` applied to each value.
    pub fn map(&self, change: impl FnMut(&f32) -> f32) -> Self {
        Self { values: self.values.iter().map(change).collect(), ..*self }
    }

    /// Resamples the rows by `horizontal`, then the columns by `vertical`.
    pub fn resample(&self, horizontal: &Taps, vertical: &Taps) -> Self {
        let rows = self.resample_rows(horizontal);
        let width = horizontal.first.len();
        let mut values = vec![0.0; width * vertical.first.len()];
        values
            .par_chunks_exact_mut(width)
            .enumerate()
            .for_each(|(y, out)| resample_columns_at(&rows, vertical, y, out));
        Self { width: width as u32, height: vertical.first.len() as u32, values }
    }

    /// Resamples each row by `taps` and returns `[height, taps.first.len()]`: the first of the two passes of
    /// [`resample`](Self::resample). `resample_columns_at` is the second.
    pub fn resample_rows(&self, taps: &Taps) -> Vec<f32> {
        let width = taps.first.len();
        let mut resampled = vec![0.0; width * self.height as usize];
        let groups =
            resampled.par_chunks_mut(ROW_GROUP * width).zip(self.values.par_chunks(ROW_GROUP * self.width as usize));
        groups.for_each(|(out, rows)| resample_row_group(rows, self.width as usize, taps, out));
        resampled
    }

    /// Convolves the rows, then the columns with `kernel`, which has an odd length. Beyond the plane its outermost
    /// values are repeated.
    pub fn blur(&self, kernel: &[f32]) -> Self {
        let (width, height) = (self.width as usize, self.height as usize);
        let radius = kernel.len() / 2;
        let mut rows = vec![0.0; self.values.len()];
        rows.par_chunks_exact_mut(width).zip(self.values.par_chunks_exact(width)).for_each(|(out, row)| {
            let mut padded = vec![row[0]; radius];
            padded.extend_from_slice(row);
            padded.resize(width + 2 * radius, row[width - 1]);
            kernel.iter().enumerate().for_each(|(k, &weight)| add_scaled(out, weight, &padded[k..]));
        });
        let mut values = vec![0.0; self.values.len()];
        values.par_chunks_exact_mut(width).enumerate().for_each(|(y, out)| {
            for (k, &weight) in kernel.iter().enumerate() {
                let row = (y + k).saturating_sub(radius).min(height - 1);
                add_scaled(out, weight, &rows[row * width..]);
            }
        });
        Self { values, ..*self }
    }

    /// Returns the part over `roi` of this plane, which covers the part `scene` of a photo, resampled to this plane's
    /// own size. `roi` lies within `scene`.
    ///
    /// Bilinear, and exact where the ROI is the whole scene.
    pub fn sample_roi(&self, roi: &Roi, scene: &Roi) -> Self {
        let horizontal = roi_taps(self.width, roi.left - scene.left, roi.width, scene.width);
        let vertical = roi_taps(self.height, roi.top - scene.top, roi.height, scene.height);
        self.resample(&horizontal, &vertical)
    }
}

/// Rows that are resampled together, as lanes of the processor's vectors.
const ROW_GROUP: usize = 8;

/// Resamples each of `rows`, up to [`ROW_GROUP`] rows of `width` values.
#[multiversion(targets("x86_64+avx2"))]
fn resample_row_group(rows: &[f32], width: usize, taps: &Taps, out: &mut [f32]) {
    // The last taps may point past the end of the row, where their weights are 0.
    let mut columns = vec![[0.0; ROW_GROUP]; width + taps.width];
    for (r, row) in rows.chunks_exact(width).enumerate() {
        columns.iter_mut().zip(row).for_each(|(column, &value)| column[r] = value);
    }
    let mut resampled = vec![[0.0; ROW_GROUP]; taps.first.len()];
    for (i, resampled) in resampled.iter_mut().enumerate() {
        let columns = &columns[taps.first[i] as usize..];
        let mut sum = [0.0; ROW_GROUP];
        for (weight, column) in taps.weights[i * taps.width..][..taps.width].iter().zip(columns) {
            for (sum, value) in sum.iter_mut().zip(column) {
                *sum += weight * value;
            }
        }
        *resampled = sum;
    }
    for (r, out) in out.chunks_exact_mut(resampled.len()).enumerate() {
        out.iter_mut().zip(&resampled).for_each(|(out, column)| *out = column[r]);
    }
}

/// Writes row `y` of `rows` resampled along its columns by `taps`; `rows` are as wide as `out`.
pub fn resample_columns_at(rows: &[f32], taps: &Taps, y: usize, out: &mut [f32]) {
    out.fill(0.0);
    for (k, &weight) in taps.weights[y * taps.width..][..taps.width].iter().enumerate() {
        if weight != 0.0 {
            add_scaled(out, weight, &rows[(taps.first[y] as usize + k) * out.len()..]);
        }
    }
}

/// Adds `weight` times the first `out.len()` of `values` to `out`.
#[multiversion(targets("x86_64+avx2"))]
fn add_scaled(out: &mut [f32], weight: f32, values: &[f32]) {
    out.iter_mut().zip(values).for_each(|(out, value)| *out += weight * value);
}

/// Returns the bilinear taps of `count` samples that are spread evenly over `length` photo pixels from `start`, on an
/// axis where `count` samples cover `scene_length` pixels.
fn roi_taps(count: u32, start: u32, length: u32, scene_length: u32) -> Taps {
    let mut taps = Taps { first: Vec::new(), weights: Vec::new(), width: 2 };
    let scale = count as f32 / scene_length as f32;
    for i in 0..count {
        let pixel = start as f32 + (i as f32 + 0.5) * (length as f32 / count as f32);
        let centre = (pixel * scale - 0.5).clamp(0.0, (count - 1) as f32);
        let low = (centre as u32).min(count.saturating_sub(2));
        let fraction = centre - low as f32;
        taps.first.push(low);
        taps.weights.extend([1.0 - fraction, fraction]);
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
    fn the_roi_of_the_whole_scene_is_the_plane_itself() {
        let plane = ramp(8);
        let scene = Roi { left: 100, top: 50, width: 640, height: 480 };
        let same = plane.sample_roi(&scene, &scene);
        for (found, want) in same.values.iter().zip(&plane.values) {
            assert!((found - want).abs() < 1e-4, "{found} is not {want}");
        }
    }

    #[test]
    fn the_roi_of_the_right_half_begins_in_the_middle() {
        let scene = Roi { left: 100, top: 50, width: 640, height: 480 };
        let half = ramp(8).sample_roi(&Roi { left: 420, top: 50, width: 320, height: 480 }, &scene);
        assert!((half.values[0] - 3.75).abs() < 1e-4, "{}", half.values[0]);
        assert!((half.values[7] - 7.0).abs() < 1e-4, "{}", half.values[7]);
    }

    #[test]
    fn a_blur_keeps_a_flat_plane_and_the_sum_of_a_point() {
        let kernel = cameo_core::taps::gaussian(1.5);
        let flat = Plane::square(6, vec![0.7; 36]).blur(&kernel);
        assert!(flat.values.iter().all(|value| (value - 0.7).abs() < 1e-6));
        let mut point = Plane::square(33, vec![0.0; 33 * 33]);
        point.values[16 * 33 + 16] = 1.0;
        let sum: f32 = point.blur(&kernel).values.iter().sum();
        assert!((sum - 1.0).abs() < 1e-5);
    }
}
