//! The edge stage: moves, hardens or softens the edge of the matte.

use rayon::prelude::*;

use cameo_core::pipeline::{CutoutOptions, Edge};
use cameo_core::taps;
use cameo_core::tuning::CRISP_SLOPE;

use crate::plane::Plane;

/// Applies the threshold, the choke, the crispness and the blur of `options` to `matte`, in that order.
pub fn edge(mut matte: Plane, options: &CutoutOptions) -> Plane {
    if let Some(threshold) = options.threshold {
        matte.values.par_iter_mut().for_each(|value| *value = if *value >= threshold as f32 { 1.0 } else { 0.0 });
    }
    if options.choke != 0.0 {
        matte = choke(&matte, options.choke as f32);
    }
    if options.edge == Edge::Crisp {
        matte.values.par_iter_mut().for_each(|value| *value = ((*value - 0.5) * CRISP_SLOPE + 0.5).clamp(0.0, 1.0));
    }
    let sigma = options.blur_sigma(matte.width, matte.height);
    if sigma > 0.0 { matte.blur(&taps::gaussian(sigma)) } else { matte }
}

/// Moves the edge inwards by `pixels`, outwards if they are negative.
///
/// Grey-scale erosion or dilation by a disc whose rim falls off over one pixel, so that fractions of a pixel count.
fn choke(matte: &Plane, pixels: f32) -> Plane {
    let disc = taps::disc(pixels.abs());
    // Dilation of the subject is erosion of the background.
    let flip = |value: f32| if pixels < 0.0 { 1.0 - value } else { value };
    let (width, height) = (matte.width as isize, matte.height as isize);
    let radius = disc.iter().map(|tap| tap.y.abs() as isize).max().unwrap_or(0);
    let mut values = matte.values.clone();
    values.par_chunks_mut(width as usize).enumerate().for_each(|(y, row)| {
        let y = y as isize;
        // Columns with a pixel below 1 within the disc's rows: away from them the minimum is 1 too.
        let mut below_full = vec![false; width as usize];
        for near_y in (y - radius).max(0)..(y + radius + 1).min(height) {
            let near_row = &matte.values[(near_y * width) as usize..][..width as usize];
            below_full.iter_mut().zip(near_row).for_each(|(below, &value)| *below |= flip(value) < 1.0);
        }
        for (x, out) in row.iter_mut().enumerate().filter(|(_, value)| flip(**value) > 0.0) {
            let x = x as isize;
            let columns = (x - radius).max(0) as usize..(x + radius + 1).min(width) as usize;
            if !below_full[columns].contains(&true) {
                continue;
            }
            let raised = disc.iter().map(|tap| {
                let (x, y) = (x + tap.x as isize, y + tap.y as isize);
                // The subject goes on beyond the photo.
                let inside = (0..width).contains(&x) && (0..height).contains(&y);
                let value = if inside { flip(matte.values[(y * width + x) as usize]) } else { 1.0 };
                value + tap.rise
            });
            *out = flip(raised.fold(1.0, f32::min));
        }
    });
    Plane { values, ..*matte }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1 left of the middle column, one half on it, 0 right of it.
    fn step() -> Plane {
        let at = |i: usize| match i % 41 {
            x if x < 20 => 1.0,
            20 => 0.5,
            _ => 0.0,
        };
        Plane { width: 41, height: 9, values: (0..41 * 9).map(at).collect() }
    }

    /// The sum of the middle row, and its number of soft pixels.
    fn middle_row(plane: &Plane) -> (f32, usize) {
        let row = &plane.values[4 * 41..5 * 41];
        (row.iter().sum(), row.iter().filter(|value| (0.01..0.99).contains(*value)).count())
    }

    fn with(change: impl FnOnce(&mut CutoutOptions)) -> (f32, usize) {
        let mut options = CutoutOptions::default();
        change(&mut options);
        middle_row(&edge(step(), &options))
    }

    #[test]
    fn a_choke_moves_the_edge_by_its_pixels_and_fractions_of_them() {
        assert_eq!(with(|_| {}).0, 20.5);
        for pixels in [1.0, 3.0, 2.5, -1.0, -4.0] {
            let (sum, _) = with(|options| options.choke = pixels);
            assert!((sum - (20.5 - pixels as f32)).abs() < 0.51, "{pixels}: {sum}");
        }
        let (half, whole) = (with(|o| o.choke = 2.5).0, with(|o| o.choke = 3.0).0);
        assert!(half > whole, "{half} {whole}");
    }

    #[test]
    fn a_threshold_leaves_no_soft_pixels_and_a_feather_makes_many() {
        assert_eq!(with(|options| options.threshold = Some(0.5)), (21.0, 0));
        assert_eq!(with(|options| options.threshold = Some(0.6)), (20.0, 0));
        let (sum, soft) = with(|options| options.feather = 2.0);
        assert!((sum - 20.5).abs() < 0.1 && soft >= 8, "{sum} {soft}");
    }

    #[test]
    fn a_crisp_edge_is_narrower_and_a_soft_one_wider() {
        let soft_pixels = |edge_kind| {
            let feathered = edge(step(), &CutoutOptions { feather: 3.0, ..Default::default() });
            middle_row(&edge(feathered, &CutoutOptions { edge: edge_kind, ..Default::default() })).1
        };
        let natural = soft_pixels(Edge::Natural);
        assert!(soft_pixels(Edge::Crisp) < natural, "{} {natural}", soft_pixels(Edge::Crisp));
        assert!(soft_pixels(Edge::Soft) >= natural);
        assert_eq!(CutoutOptions { edge: Edge::Soft, ..Default::default() }.blur_sigma(1000, 800), 1.5);
    }
}
