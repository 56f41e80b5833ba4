//! The range of colours and of alpha around each pixel. Sharpening is clamped to it, so that edges get no halo.

use std::array::from_fn;
use std::ops::Range;

use multiversion::multiversion;

use cameo_core::tuning::MIN_ALPHA;

use super::coverage::Coverage;
use super::inputs::EnhanceInputs;
use super::lanes::{INV_255, LANES, Lanes, max, min};
use super::resample::premultiply;

/// The minimum and maximum over the three by three pixels of the photo around each pixel of a part of a result's row.
pub struct LocalRange {
    /// The photo's columns that are read.
    photo_columns: Range<usize>,
    /// The index of the first of these columns in the folded rows: 1 at the photo's left border, else 0.
    offset: usize,
    /// For each column of the result, the first of its three entries in the folded rows.
    first: Vec<u32>,
    /// The photo's row in the middle of the three, and the coverage that the ranges were computed for.
    centre: Option<(usize, Coverage)>,
    /// Straight colours.
    colors: MinMax<u8>,
    /// The pixels as they appear on black: premultiplied colours, and alpha.
    on_black: MinMax<f32>,
    /// The difference from white of the pixels as they appear on white: alpha less the premultiplied colours.
    below_white: MinMax<f32>,
    premultiplied: Vec<[f32; 4]>,
    ranges: Vec<RangeLanes>,
}

/// The ranges of some of the result's pixels: the minima, then the maxima, of red, green and blue, and of alpha.
#[derive(Clone, Copy, Default)]
struct RangeLanes {
    colors: [[Lanes; 3]; 2],
    on_black: [[Lanes; 3]; 2],
    below_white: [[Lanes; 3]; 2],
    alpha: [Lanes; 2],
}

/// Running minima and maxima of pixels: over three rows, then over three columns too.
struct MinMax<V> {
    low: Vec<[V; 4]>,
    high: Vec<[V; 4]>,
    /// The minimum and the maximum of no pixels.
    identity: [V; 2],
}

impl<V: Copy + PartialOrd> MinMax<V> {
    fn new(count: usize, identity: [V; 2]) -> Self {
        Self { low: vec![[identity[0]; 4]; count], high: vec![[identity[1]; 4]; count], identity }
    }

    fn reset(&mut self) {
        self.low.fill([self.identity[0]; 4]);
        self.high.fill([self.identity[1]; 4]);
    }

    /// Folds in a row from index `offset` on; each of its entries is a minimum and a maximum.
    #[inline(always)]
    fn fold_row(&mut self, offset: usize, row: impl Iterator<Item = [[V; 4]; 2]>) {
        for ((low, high), [new_low, new_high]) in self.low[offset..].iter_mut().zip(&mut self.high[offset..]).zip(row) {
            for c in 0..4 {
                low[c] = if new_low[c] < low[c] { new_low[c] } else { low[c] };
                high[c] = if new_high[c] > high[c] { new_high[c] } else { high[c] };
            }
        }
    }

    /// Folds each entry with the two after it.
    #[inline(always)]
    fn fold_columns(&mut self) {
        let (low, high) = (self.low.as_flattened_mut(), self.high.as_flattened_mut());
        for i in 0..low.len() - 8 {
            let next = if low[i + 4] < low[i + 8] { low[i + 4] } else { low[i + 8] };
            low[i] = if next < low[i] { next } else { low[i] };
        }
        for i in 0..high.len() - 8 {
            let next = if high[i + 4] > high[i + 8] { high[i + 4] } else { high[i + 8] };
            high[i] = if next > high[i] { next } else { high[i] };
        }
    }

    /// Gathers the entries at `first` into lanes, one array per channel; `to_unit` converts values to 0..1.
    #[inline(always)]
    fn gather<const N: usize>(&self, first: &[u32; LANES], to_unit: impl Fn(V) -> f32) -> [[Lanes; N]; 2] {
        [&self.low, &self.high].map(|pixels| {
            let pixels: [[V; 4]; LANES] = from_fn(|l| pixels[first[l] as usize]);
            from_fn(|c| from_fn(|l| to_unit(pixels[l][c])))
        })
    }
}

impl LocalRange {
    /// Returns a range for up to `max_columns` columns of a result that is no smaller than its photo.
    pub fn new(max_columns: usize) -> Self {
        let count = max_columns.next_multiple_of(LANES);
        Self {
            photo_columns: 0..0,
            offset: 0,
            first: vec![0; count],
            centre: None,
            colors: MinMax::new(count + 2, [u8::MAX, 0]),
            on_black: MinMax::new(count + 2, [1.0, 0.0]),
            below_white: MinMax::new(count + 2, [1.0, 0.0]),
            premultiplied: vec![[0.0; 4]; count + 2],
            ranges: vec![RangeLanes::default(); count / LANES],
        }
    }

    /// Moves to `columns` of the result.
    pub fn set_columns(&mut self, inputs: &EnhanceInputs<'_>, columns: Range<usize>) {
        let nearest = |x: usize| inputs.horizontal.nearest(x.min(columns.end - 1));
        let start = nearest(columns.start);
        let end = (nearest(columns.end - 1) + 2).min(inputs.frame.photo.width as usize);
        self.photo_columns = start.saturating_sub(1)..end;
        self.offset = self.photo_columns.start + 1 - start;
        self.first.iter_mut().zip(columns.start..).for_each(|(first, x)| *first = (nearest(x) - start) as u32);
        self.centre = None;
    }

    /// Moves to row `y` of the result. If `coverage` says that alpha is 1 around it, only colours are read.
    pub fn set_row(&mut self, inputs: &EnhanceInputs<'_>, y: usize, coverage: Coverage) {
        let row = inputs.vertical.nearest(y);
        let is_current = |(centre, known): (usize, Coverage)| {
            centre == row && (known == Coverage::Soft || coverage == Coverage::Opaque)
        };
        if self.centre.is_some_and(is_current) {
            return;
        }
        self.centre = Some((row, coverage));
        // Beyond the photo there are no pixels.
        self.colors.reset();
        if coverage == Coverage::Soft {
            self.on_black.reset();
            self.below_white.reset();
        }
        for y in row.saturating_sub(1)..(row + 2).min(inputs.frame.photo.height as usize) {
            let (pixels, matte) = inputs.frame.row_part(y, self.photo_columns.clone());
            match coverage {
                Coverage::Opaque => self.colors.fold_row(self.offset, pixels.iter().map(|&pixel| [pixel; 2])),
                _ => fold_soft_row(self, pixels, matte),
            }
        }
        compute_ranges(self, coverage);
    }

    /// Clamps the `n`th lanes of straight pixels to the range around them: their colours, their alpha, and how they
    /// appear on black and on white.
    #[inline(always)]
    pub fn clamp(&self, n: usize, straight: &mut [Lanes; 4]) {
        let RangeLanes { colors, on_black, below_white, alpha: [min_alpha, max_alpha] } = &self.ranges[n];
        for l in 0..LANES {
            let alpha = min(max(straight[3][l], min_alpha[l]), max_alpha[l]);
            let inverse = 1.0 / max(alpha, 1e-6);
            // Where everything around is opaque or clear, a pixel appears as its colour or not at all.
            let color_only = (alpha < MIN_ALPHA) | (min_alpha[l] == 1.0);
            straight[3][l] = alpha;
            for c in 0..3 {
                let (value, low, high) = (straight[c][l], colors[0][c][l], colors[1][c][l]);
                // Where no colour around is known there is no range.
                let clamped = if low > high { value } else { min(max(value, low), high) };
                let low = max(on_black[0][c][l], alpha - below_white[1][c][l]);
                let high = min(on_black[1][c][l], alpha - below_white[0][c][l]);
                let appearing = max(min(clamped * alpha, high), low) * inverse;
                straight[c][l] = if color_only { clamped } else { appearing };
            }
        }
    }

    /// Does the same as [`clamp`](Self::clamp) where alpha is 1 all around.
    #[inline(always)]
    pub fn clamp_opaque(&self, n: usize, straight: &mut [Lanes; 4]) {
        let [low, high] = &self.ranges[n].colors;
        for c in 0..3 {
            for l in 0..LANES {
                straight[c][l] = min(max(straight[c][l], low[c][l]), high[c][l]);
            }
        }
        straight[3] = [1.0; LANES];
    }
}

/// Folds in a row of the photo; colours whose alpha is too low to know them are left out.
#[multiversion(targets("x86_64+avx2"))]
fn fold_soft_row(local_range: &mut LocalRange, pixels: &[[u8; 4]], matte: Option<&[f32]>) {
    let row = &mut local_range.premultiplied[..pixels.len()];
    premultiply(pixels, matte, row);
    let known_colors = |(&pixel, premultiplied): (&[u8; 4], &[f32; 4])| {
        let known = premultiplied[3] >= MIN_ALPHA;
        [if known { pixel } else { [u8::MAX; 4] }, if known { pixel } else { [0; 4] }]
    };
    let offset = local_range.offset;
    local_range.colors.fold_row(offset, pixels.iter().zip(&*row).map(known_colors));
    local_range.on_black.fold_row(offset, row.iter().map(|&pixel| [pixel; 2]));
    local_range.below_white.fold_row(offset, row.iter().map(|pixel| [pixel.map(|value| pixel[3] - value); 2]));
}

/// Folds the columns, and gathers the ranges of the result's columns.
#[multiversion(targets("x86_64+avx2"))]
fn compute_ranges(local_range: &mut LocalRange, coverage: Coverage) {
    local_range.colors.fold_columns();
    if coverage == Coverage::Soft {
        local_range.on_black.fold_columns();
        local_range.below_white.fold_columns();
    }
    for (ranges, first) in local_range.ranges.iter_mut().zip(local_range.first.as_chunks().0) {
        ranges.colors = local_range.colors.gather(first, |value| value as f32 * INV_255);
        if coverage == Coverage::Soft {
            let [low, high] = local_range.on_black.gather::<4>(first, |value| value);
            ranges.on_black = [low, high].map(|[r, g, b, _]| [r, g, b]);
            ranges.alpha = [low[3], high[3]];
            ranges.below_white = local_range.below_white.gather(first, |value| value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::CpuFrame;
    use cameo_core::codec::Image;

    /// Pixel `(x, y)` with the value `straight`, clamped to the range around it in a result of the photo's size.
    fn clamped(frame: &CpuFrame, [x, y]: [usize; 2], straight: [f32; 4]) -> [f32; 4] {
        let Image { width, height, .. } = frame.photo;
        let inputs = EnhanceInputs::new(frame, width as usize, height as usize, None);
        let mut local_range = LocalRange::new(inputs.width);
        local_range.set_columns(&inputs, 0..inputs.width);
        local_range.set_row(&inputs, y, Coverage::Soft);
        let mut lanes = straight.map(|value| [value; LANES]);
        local_range.clamp(0, &mut lanes);
        lanes.map(|lanes| lanes[x])
    }

    #[test]
    fn the_local_range_covers_three_by_three_pixels_without_unknown_colours() {
        let mut pixels = [[100, 100, 100, 255]; 5 * 4];
        pixels[5 + 1] = [200, 50, 100, 255];
        pixels[5 + 3] = [0, 0, 0, 2];
        let frame = CpuFrame::new(Image::new(5, 4, pixels.as_flattened().to_vec()));
        let clamped = |at, straight| clamped(&frame, at, straight).map(|value| (255.0 * value).round());
        assert_eq!(clamped([0, 1], [0.0, 0.0, 0.0, 1.0]), [100.0, 50.0, 100.0, 255.0]);
        assert_eq!(clamped([0, 2], [1.0; 4]), [200.0, 100.0, 100.0, 255.0]);
        assert_eq!(clamped([0, 3], [1.0; 4]), [100.0, 100.0, 100.0, 255.0]);
        // The black of the clear pixel is not in the range of colours, its alpha is in that of alpha.
        assert_eq!(clamped([4, 1], [0.0; 4]), [100.0, 100.0, 100.0, 2.0]);
    }

    #[test]
    fn a_bright_rim_of_a_dark_subject_does_not_appear_brighter_than_in_the_photo() {
        // Clear, half a bright pixel, then dark ones.
        let row = [[0, 0, 0, 0], [240, 240, 240, 128], [40, 40, 40, 255], [40, 40, 40, 255]];
        let pixels = [row; 3].into_iter().flatten().flatten().collect();
        let frame = CpuFrame::new(Image::new(4, 3, pixels));
        let bright = 240.0 / 255.0;
        let [grey, _, _, alpha] = clamped(&frame, [1, 1], [bright, bright, bright, 0.9]);
        assert_eq!(alpha, 0.9);
        let on_black = grey * alpha;
        assert!((on_black - bright * 128.0 / 255.0).abs() < 1e-5, "{on_black}");
    }
}
