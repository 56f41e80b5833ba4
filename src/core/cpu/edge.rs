//! The matte's edge as its user wishes it: moved, hard, soft or steep.

use rayon::prelude::*;

use super::plane::Plane;
use crate::pipeline::{CutoutOptions, Edge};
use crate::rules::CRISP;
use crate::taps;

/// `matte` with the threshold, the choke, the crispness and the blur that `options` ask for, in that order.
pub fn edge(mut matte: Plane, options: &CutoutOptions) -> Plane {
    if let Some(threshold) = options.threshold {
        matte.values.par_iter_mut().for_each(|value| *value = if *value >= threshold as f32 { 1.0 } else { 0.0 });
    }
    if options.choke != 0.0 {
        matte = choke(&matte, options.choke as f32);
    }
    if options.edge == Edge::Crisp {
        matte.values.par_iter_mut().for_each(|value| *value = ((*value - 0.5) * CRISP + 0.5).clamp(0.0, 1.0));
    }
    let sigma = options.blur_sigma(matte.width, matte.height);
    if sigma > 0.0 { matte.blur(&taps::gaussian(sigma)) } else { matte }
}

/// The edge moved inwards by `pixels`, outwards if they are negative: grey-scale erosion (dilation) by a disc whose rim
/// falls off over one pixel, so that parts of a pixel count.
fn choke(matte: &Plane, pixels: f32) -> Plane {
    let disc = taps::disc(pixels.abs());
    // Outwards is inwards for what is not the subject.
    let flip = |value: f32| if pixels < 0.0 { 1.0 - value } else { value };
    let (width, height) = (matte.width as isize, matte.height as isize);
    let reach = disc.iter().map(|tap| tap.y.abs() as isize).max().unwrap_or(0);
    let mut values = matte.values.clone();
    values.par_chunks_mut(width as usize).enumerate().for_each(|(y, row)| {
        let y = y as isize;
        let rows = (y - reach).max(0)..(y + reach + 1).min(height);
        // Columns where anything around is not full: elsewhere the least is full too.
        let mut near = vec![false; width as usize];
        for from in rows {
            for (x, &value) in matte.values[(from * width) as usize..][..width as usize].iter().enumerate() {
                near[x] |= flip(value) < 1.0;
            }
        }
        for (x, out) in row.iter_mut().enumerate().filter(|(_, value)| flip(**value) > 0.0) {
            let x = x as isize;
            let columns = (x - reach).max(0) as usize..(x + reach + 1).min(width) as usize;
            if !near[columns].contains(&true) {
                continue;
            }
            let least = disc.iter().map(|tap| {
                let (x, y) = (x + tap.x as isize, y + tap.y as isize);
                // The subject goes on beyond the photo.
                let inside = (0..width).contains(&x) && (0..height).contains(&y);
                let value = if inside { flip(matte.values[(y * width + x) as usize]) } else { 1.0 };
                value + tap.rise
            });
            *out = flip(least.fold(1.0, f32::min));
        }
    });
    Plane { values, ..*matte }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Full left of the middle, half on it.
    fn step() -> Plane {
        let at = |i: usize| match i % 41 {
            x if x < 20 => 1.0,
            20 => 0.5,
            _ => 0.0,
        };
        Plane { width: 41, height: 9, values: (0..41 * 9).map(at).collect() }
    }

    /// Full pixels in the middle row, and its soft ones.
    fn row(plane: &Plane) -> (f32, usize) {
        let row = &plane.values[4 * 41..5 * 41];
        (row.iter().sum(), row.iter().filter(|value| (0.01..0.99).contains(*value)).count())
    }

    fn with(change: impl FnOnce(&mut CutoutOptions)) -> (f32, usize) {
        let mut options = CutoutOptions::default();
        change(&mut options);
        row(&edge(step(), &options))
    }

    #[test]
    fn a_choke_moves_the_edge_by_its_pixels_and_parts_of_them() {
        assert_eq!(with(|_| {}).0, 20.5);
        for pixels in [1.0, 3.0, 2.5, -1.0, -4.0] {
            let (sum, _) = with(|options| options.choke = pixels);
            assert!((sum - (20.5 - pixels as f32)).abs() < 0.51, "{pixels}: {sum}");
        }
        let (half, whole) = (with(|o| o.choke = 2.5).0, with(|o| o.choke = 3.0).0);
        assert!(half > whole, "{half} {whole}");
    }

    #[test]
    fn a_threshold_leaves_nothing_soft_and_a_feather_much() {
        assert_eq!(with(|options| options.threshold = Some(0.5)), (21.0, 0));
        assert_eq!(with(|options| options.threshold = Some(0.6)), (20.0, 0));
        let (sum, soft) = with(|options| options.feather = 2.0);
        assert!((sum - 20.5).abs() < 0.1 && soft >= 8, "{sum} {soft}");
    }

    #[test]
    fn a_crisp_edge_is_narrower_and_a_soft_one_wider() {
        let wide = |edge_kind| {
            let feathered = edge(step(), &CutoutOptions { feather: 3.0, ..Default::default() });
            row(&edge(feathered, &CutoutOptions { edge: edge_kind, ..Default::default() })).1
        };
        assert!(wide(Edge::Crisp) < wide(Edge::Natural), "{} {}", wide(Edge::Crisp), wide(Edge::Natural));
        assert!(wide(Edge::Soft) >= wide(Edge::Natural));
        assert_eq!(CutoutOptions { edge: Edge::Soft, ..Default::default() }.blur_sigma(1000, 800), 1.5);
    }
}
