//! How noise is measured and removed before strong sharpening.
//!
//! The noise's standard deviation is estimated from the median of the finest diagonal differences (Donoho and Johnstone
//! 1994), and removed by a bilateral filter (Tomasi and Manduchi 1998).

use crate::taps::{GaussianTap, gaussian_square};

/// Bins of the histogram of absolute differences. The last one also counts larger differences.
pub const BINS: usize = 256;

/// Bins per tone (1/255).
pub const BINS_PER_TONE: f32 = 4.0;

/// Ratio of the median absolute deviation to the standard deviation of a normal distribution.
pub const MEDIAN: f32 = 0.6745;

/// Standard deviation of luma if that of each channel is 1: the norm of [`LUMA`](crate::tuning::LUMA).
pub const LUMA_DEVIATION: f32 = 0.7497;

/// Standard deviation of luma, in tones, that the texture of clean photos appears as: the median of ten photos.
pub const TEXTURE: f32 = 1.5;

/// Radius of the bilateral filter, in pixels.
const RADIUS: i32 = 2;

/// Standard deviation of the filter's spatial weights, in pixels.
const SPATIAL_SIGMA: f32 = 1.5;

/// Standard deviation of the filter's colour weights, in standard deviations of one channel's noise. Measured from 1 to 4
/// on ten photos with noise of 2, 5 and 10 tones: best at each (2.4, 5.1 and 6.8 dB closer to the clean photo).
const RANGE_SIGMAS: f32 = 1.5;

/// Returns the standard deviation of one channel's noise, in 0..1, from the histogram of differences.
pub fn deviation(histogram: &[u32]) -> f32 {
    let half = histogram.iter().sum::<u32>().div_ceil(2);
    let mut cumulative = 0;
    let median = histogram.iter().position(|&count| {
        cumulative += count;
        cumulative >= half
    });
    // A median in the first bin means a photo without noise.
    let tones = median.filter(|&bin| bin > 0).map_or(0.0, |bin| (bin as f32 + 0.5) / BINS_PER_TONE / MEDIAN);
    (tones * tones - TEXTURE * TEXTURE).max(0.0).sqrt() / LUMA_DEVIATION / 255.0
}

/// Returns the spatial taps of the bilateral filter.
pub fn spatial_taps() -> Vec<GaussianTap> {
    gaussian_square(RADIUS, SPATIAL_SIGMA)
}

/// Returns the standard deviation of the colour weights over the three channels, for noise of standard deviation 1.
pub fn range_sigma() -> f32 {
    RANGE_SIGMAS * 3f32.sqrt()
}

/// Returns the colour weights for noise of standard deviation `sigma` (in 0..1), indexed by the squared colour
/// difference in tones, summed over the channels. Larger differences have weight 0.
pub fn range_weights(sigma: f32) -> Vec<f32> {
    let sigma = range_sigma() * sigma * 255.0;
    let count = (9.0 * sigma * sigma) as usize + 1;
    (0..count).map(|squared| (-0.5 * squared as f32 / (sigma * sigma)).exp()).collect()
}
