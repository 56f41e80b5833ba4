//! Resampling and filter weights for both engines: pure functions, computed once on the host in f64.

/// Half width of the Lanczos kernel, in pixels of the coarser image.
pub const LANCZOS_RADIUS: f64 = 3.0;

/// Samples per pixel in [`lanczos_table`].
pub const LANCZOS_STEPS: u32 = 1024;

/// Returns the Lanczos-3 kernel from 0 to its radius, [`LANCZOS_STEPS`] samples per pixel, followed by 0.
pub fn lanczos_table() -> Vec<f32> {
    let last = LANCZOS_RADIUS as u32 * LANCZOS_STEPS;
    (0..last + 2).map(|i| lanczos(i as f64 / LANCZOS_STEPS as f64) as f32).collect()
}

/// Returns the largest number of taps of Lanczos-3 for a `reduction`, input size / output size (1 or less when
/// enlarging).
pub fn lanczos_width(reduction: f64) -> usize {
    (2.0 * LANCZOS_RADIUS * reduction.max(1.0)).ceil() as usize + 1
}

/// Largest number of input rows that Lanczos-3 reads for one output row when upscaling.
pub const LANCZOS_ROWS: u32 = 6;

/// Resampling along one axis: output `i` is the sum over `k` of `weights[i * width + k] * input[first[i] + k]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Taps {
    /// The first sample that each output reads.
    pub first: Vec<u32>,
    /// `width` weights per output, which sum to 1. Weights past the end of the input are 0.
    pub weights: Vec<f32>,
    pub width: usize,
}

/// Returns the taps of Lanczos-3 from `from` to `to` samples. When downscaling, the kernel is widened so that it does
/// not alias.
///
/// Pixel centres are at half integers and the taps at the borders are renormalised, as in Pillow (`Resample.c`) and
/// fast_image_resize (`convolution/mod.rs`), so that all three compute the same image.
///
/// # Panics
/// If `from` or `to` is 0.
pub fn lanczos3(from: usize, to: usize) -> Taps {
    assert!(from > 0 && to > 0, "an image has at least one pixel on each side");
    let scale = from as f64 / to as f64;
    let stretch = scale.max(1.0);
    let radius = LANCZOS_RADIUS * stretch;
    let mut first = Vec::with_capacity(to);
    let mut rows = Vec::with_capacity(to);
    for i in 0..to {
        let centre = (i as f64 + 0.5) * scale;
        // The pixels whose centres lie within the kernel. Those exactly at its ends have weight 0.
        let start = ((centre - radius - 0.5).floor() + 1.0).max(0.0) as usize;
        let end = ((centre + radius - 0.5).ceil() as usize).min(from);
        let row: Vec<f64> = (start..end).map(|x| lanczos((x as f64 + 0.5 - centre) / stretch)).collect();
        first.push(start as u32);
        rows.push(row);
    }
    let width = rows.iter().map(Vec::len).max().unwrap_or(1);
    let mut weights = Vec::with_capacity(to * width);
    for row in rows {
        let sum: f64 = row.iter().sum();
        weights.extend(row.iter().map(|weight| (weight / sum) as f32));
        weights.resize(weights.len() + width - row.len(), 0.0);
    }
    Taps { first, weights, width }
}

fn lanczos(x: f64) -> f64 {
    if x.abs() < LANCZOS_RADIUS { sinc(x) * sinc(x / LANCZOS_RADIUS) } else { 0.0 }
}

fn sinc(x: f64) -> f64 {
    let x = x * std::f64::consts::PI;
    if x == 0.0 { 1.0 } else { x.sin() / x }
}

/// Returns a Gaussian with a standard deviation of `sigma` pixels, cut off at three standard deviations:
/// `2 * radius + 1` weights that sum to 1.
pub fn gaussian(sigma: f32) -> Vec<f32> {
    let radius = (3.0 * sigma).ceil() as i32;
    let raw: Vec<f64> = (-radius..=radius).map(|x| (-0.5 * (x as f64 / sigma as f64).powi(2)).exp()).collect();
    let sum: f64 = raw.iter().sum();
    raw.iter().map(|weight| (weight / sum) as f32).collect()
}

/// Returns the taps of a box filter from `from` to fewer samples: each output is the mean of the interval it covers.
pub fn area(from: usize, to: usize) -> Taps {
    let scale = from as f64 / to as f64;
    let width = scale.ceil() as usize + 1;
    let mut taps = Taps { first: Vec::with_capacity(to), weights: Vec::with_capacity(to * width), width };
    for i in 0..to {
        let (start, end) = (i as f64 * scale, (i + 1) as f64 * scale);
        let first = start.floor() as usize;
        taps.first.push(first as u32);
        taps.weights.extend((first..first + width).map(|x| {
            let covered = (end.min((x + 1) as f64) - start.max(x as f64)).max(0.0);
            if x < from { (covered / scale) as f32 } else { 0.0 }
        }));
    }
    taps
}

/// Returns the taps of linear interpolation from `from` to more samples.
pub fn bilinear(from: usize, to: usize) -> Taps {
    let scale = from as f64 / to as f64;
    let mut taps = Taps { first: Vec::with_capacity(to), weights: Vec::with_capacity(to * 2), width: 2 };
    for i in 0..to {
        let centre = ((i as f64 + 0.5) * scale - 0.5).clamp(0.0, from as f64 - 1.0);
        let low = (centre.floor() as usize).min(from.saturating_sub(2));
        let share = (centre - low as f64) as f32;
        taps.first.push(low as u32);
        taps.weights.extend([1.0 - share, share]);
    }
    taps
}

/// Returns the taps of the cubic B-spline from `from` to more samples. It is smooth and does not overshoot, but is
/// softer than the samples.
///
/// # Panics
/// If there are fewer than four samples.
pub fn bspline(from: usize, to: usize) -> Taps {
    let scale = from as f64 / to as f64;
    let mut taps = Taps { first: Vec::with_capacity(to), weights: vec![0.0; to * 4], width: 4 };
    for i in 0..to {
        let centre = (i as f64 + 0.5) * scale - 0.5;
        let first = (centre.floor() as isize - 1).clamp(0, from as isize - 4);
        taps.first.push(first as u32);
        let t = centre - centre.floor();
        let cubes = [(1.0 - t).powi(3), 3.0 * t.powi(3) - 6.0 * t * t + 4.0, 0.0, t.powi(3)];
        let weights = [cubes[0], cubes[1], 6.0 - cubes[0] - cubes[1] - cubes[3], cubes[3]];
        for (k, weight) in weights.into_iter().enumerate() {
            // Beyond the ends the outermost sample is repeated.
            let at = (centre.floor() as isize - 1 + k as isize).clamp(0, from as isize - 1) - first;
            taps.weights[i * 4 + at as usize] += (weight / 6.0) as f32;
        }
    }
    taps
}

/// A neighbouring pixel and its weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GaussianTap {
    pub x: i32,
    pub y: i32,
    pub weight: f32,
}

/// Returns the taps of the square neighbourhood of `radius`, weighted by a Gaussian with standard deviation `sigma`.
/// The weights are not normalised.
pub fn gaussian_square(radius: i32, sigma: f32) -> Vec<GaussianTap> {
    let all = (-radius..=radius).flat_map(|y| (-radius..=radius).map(move |x| (x, y)));
    all.map(|(x, y)| GaussianTap { x, y, weight: (-0.5 * ((x * x + y * y) as f32) / (sigma * sigma)).exp() }).collect()
}

/// One pixel of a disc-shaped structuring element: its offset, and the value that is added to the pixel there before
/// the minimum is taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DiscTap {
    pub x: i32,
    pub y: i32,
    pub rise: f32,
}

/// Returns a disc of `radius` pixels, whose rim rises from 0 to 1 over one pixel so that fractions of a pixel count.
pub fn disc(radius: f32) -> Vec<DiscTap> {
    let bound = radius.ceil() as i32;
    let all = (-bound..=bound).flat_map(|y| (-bound..=bound).map(move |x| (x, y)));
    let taps = all.map(|(x, y)| DiscTap { x, y, rise: ((x as f32).hypot(y as f32) - radius).clamp(0.0, 1.0) });
    taps.filter(|tap| tap.rise < 1.0).collect()
}

/// Returns which of the `from` input samples the outputs in `range`, which must not be empty, read.
pub fn input_range(taps: &Taps, range: std::ops::Range<usize>, from: usize) -> std::ops::Range<usize> {
    let start = taps.first[range.start] as usize;
    let end = taps.first[range.end - 1] as usize + taps.width;
    start..end.min(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(taps: &Taps, i: usize) -> &[f32] {
        &taps.weights[i * taps.width..][..taps.width]
    }

    #[test]
    fn every_row_sums_to_one() {
        for (from, to) in [(1, 1), (1, 9), (9, 1), (512, 1024), (6000, 1024), (1000, 1001), (7, 320)] {
            let taps = lanczos3(from, to);
            for i in 0..to {
                let sum: f32 = row(&taps, i).iter().sum();
                assert!((sum - 1.0).abs() < 1e-5, "{from} to {to}, row {i}: {sum}");
            }
        }
    }

    #[test]
    fn box_and_spline_weights_sum_to_one_and_stay_inside() {
        for taps in [area(1024, 256), area(320, 256), area(256, 256), bspline(256, 1024), bspline(256, 320)] {
            let from = taps.first.last().copied().unwrap() as usize + taps.width;
            for i in 0..taps.first.len() {
                assert!((row(&taps, i).iter().sum::<f32>() - 1.0).abs() < 1e-5);
                assert!(row(&taps, i).iter().all(|weight| *weight >= 0.0));
            }
            // The last taps may point past the end, where their weight is 0.
            assert!(from <= 1026, "{from}");
        }
        assert_eq!(row(&area(1024, 256), 3)[..4], [0.25; 4]);
    }

    #[test]
    fn weights_stay_inside_the_input() {
        for (from, to) in [(1, 5), (5, 3), (100, 33), (33, 100)] {
            let taps = lanczos3(from, to);
            for i in 0..to {
                for (k, &weight) in row(&taps, i).iter().enumerate() {
                    assert!(weight == 0.0 || (taps.first[i] as usize + k) < from);
                }
            }
        }
    }

    #[test]
    fn the_same_size_is_the_identity() {
        let taps = lanczos3(64, 64);
        for i in 0..64 {
            for (k, &weight) in row(&taps, i).iter().enumerate() {
                let want = if taps.first[i] as usize + k == i { 1.0 } else { 0.0 };
                assert!((weight - want).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn doubling_has_the_published_half_pixel_weights() {
        // Lanczos-3 at -2.75, -1.75, .. 2.25: what Pillow's table holds for a doubling, away from the edges.
        let taps = lanczos3(100, 200);
        let want = [0.0073, -0.0678, 0.2711, 0.8928, -0.1332, 0.0301];
        let found: Vec<f32> = row(&taps, 100).iter().copied().filter(|weight| *weight != 0.0).collect();
        assert_eq!(found.len(), want.len());
        for (found, want) in found.iter().zip(want) {
            assert!((found - want).abs() < 1e-3, "{found} is not {want}");
        }
    }

    #[test]
    fn a_gaussian_is_even_and_sums_to_one() {
        let taps = gaussian(1.5);
        assert_eq!(taps.len(), 11);
        assert!((taps.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert_eq!(taps[2], taps[8]);
    }
}
