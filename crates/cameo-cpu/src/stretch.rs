//! Min-max normalisation of a network's output.

use rayon::prelude::*;

use cameo_core::tuning::MIN_RANGE;

/// Stretches `values` so that the smallest becomes 0 and the largest 1, as rembg does.
///
/// Where the range is smaller than [`MIN_RANGE`] the network found no subject, and all values become 0.
pub fn stretch(values: &mut [f32]) {
    let (low, high) = range(values);
    let range = high - low;
    values.par_iter_mut().for_each(|value| *value = if range < MIN_RANGE { 0.0 } else { (*value - low) / range });
}

/// Returns the smallest and the largest value.
fn range(values: &[f32]) -> (f32, f32) {
    let wider = |(low, high): (f32, f32), (other_low, other_high)| (low.min(other_low), high.max(other_high));
    let empty = || (f32::MAX, f32::MIN);
    values.par_iter().fold(empty, |range, &value| wider(range, (value, value))).reduce(empty, wider)
}
