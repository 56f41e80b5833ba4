//! The photo enlarged and sharpened: Lanczos-3 on premultiplied colour, an unsharp mask kept within the range of what
//! is around, and packing.
//!
//! The result is made in bands of rows, each on one core, strip by strip; every strip reads what its filters reach, so
//! that neither bands nor strips leave a seam.

use std::ops::Range;

use rayon::prelude::*;

use super::Frame;
use super::denoise::{denoise, noise_of};
use super::rows::{LANES, TAPS};
use super::strip::{COLUMNS, Strip};
use crate::codec::{Depth, Image, Picture, Sample};
use crate::pipeline::{Enhancement, Sharpening};
use crate::taps;

/// Rows of the result in a band: what its filters read beyond is made again for each.
const BAND_ROWS: Range<usize> = 64..512;

/// Bands for each thread, so that none waits long for the last one.
const BANDS: usize = 6;

/// `frame` at the size of `enhancement`, which is no smaller, sharpened; colours are 0 where alpha is 0.
pub fn enhance(frame: Frame, enhancement: &Enhancement) -> Picture {
    match enhancement.depth {
        Depth::Eight => Sample::picture(enhance_to::<u8>(frame, enhancement)),
        Depth::Sixteen => Sample::picture(enhance_to::<u16>(frame, enhancement)),
    }
}

fn enhance_to<T: Sample>(mut frame: Frame, enhancement: &Enhancement) -> Image<T> {
    let Enhancement { width, height, mut sharpening, denoises, .. } = *enhancement;
    if denoises {
        let noise = noise_of(&frame, enhancement.noise_above);
        if noise > 0.0 {
            frame.photo = denoise(&frame, noise);
        }
        if let Some(sharpening) = &mut sharpening {
            sharpening.threshold += noise;
        }
    }
    let road = Road::new(&frame, width as usize, height as usize, sharpening);
    let row = 4 * road.width;
    let mut pixels = vec![T::exactly(0); row * road.height];
    let rows = (road.height / (BANDS * rayon::current_num_threads())).clamp(BAND_ROWS.start, BAND_ROWS.end);
    pixels.par_chunks_mut(rows * row).enumerate().for_each_init(
        || Strip::new(&road),
        |strip, (i, out)| {
            let rows = i * rows..i * rows + out.len() / row;
            for left in (0..road.width).step_by(COLUMNS) {
                strip.run(left..(left + COLUMNS).min(road.width), rows.clone(), out);
            }
        },
    );
    Image { width, height, pixels }
}

/// What all strips share: the photo, the result's size, and the tables of the filters.
pub struct Road<'a> {
    pub frame: &'a Frame,
    pub width: usize,
    pub height: usize,
    pub across: Axis,
    pub down: Axis,
    /// The Gaussian's weights, and what the detail it finds is raised by.
    pub mask: Option<(Vec<f32>, Sharpening)>,
}

/// Lanczos-3 along one axis: sample `i` is the sum of `weights[i][k]` times the photo's `first[i] + k`.
///
/// Padded, so that it can be walked in whole lanes.
pub struct Axis {
    pub first: Vec<u32>,
    pub weights: Vec<[f32; TAPS]>,
    /// The photo's samples.
    from: usize,
    to: usize,
}

impl<'a> Road<'a> {
    pub fn new(frame: &'a Frame, width: usize, height: usize, sharpening: Option<Sharpening>) -> Self {
        let Image { width: from, height: rows, .. } = frame.photo;
        let (across, down) = (Axis::new(from as usize, width), Axis::new(rows as usize, height));
        let mask = sharpening.map(|sharpening| (taps::gaussian(sharpening.sigma), sharpening));
        Self { frame, width, height, across, down, mask }
    }

    /// How far the mask reads around a pixel.
    pub fn radius(&self) -> usize {
        self.mask.as_ref().map_or(0, |(weights, _)| weights.len() / 2)
    }
}

impl Axis {
    fn new(from: usize, to: usize) -> Self {
        let (mut first, mut weights): (Vec<u32>, Vec<[f32; TAPS]>) = if from == to {
            let mut one = [0.0; TAPS];
            one[0] = 1.0;
            ((0..to as u32).collect(), vec![one; to])
        } else {
            let taps = taps::lanczos3(from, to);
            let padded = |row: &[f32]| std::array::from_fn(|k| row.get(k).copied().unwrap_or(0.0));
            (taps.first, taps.weights.chunks_exact(taps.width).map(padded).collect())
        };
        first.extend([first[to - 1]; LANES]);
        weights.extend([weights[to - 1]; LANES]);
        Self { first, weights, from, to }
    }

    /// The photo's sample that sample `i` lies on.
    pub fn nearest(&self, i: usize) -> usize {
        (2 * i + 1) * self.from / (2 * self.to)
    }
}

impl Frame {
    /// A part of row `y`, and its matte if there is one.
    pub fn part(&self, y: usize, columns: Range<usize>) -> (&[[u8; 4]], Option<&[f32]>) {
        let row = y * self.photo.width as usize;
        let range = row + columns.start..row + columns.end;
        let matte = self.matte.as_ref().map(|matte| &matte.values[range.clone()]);
        (&self.photo.pixels.as_chunks().0[range], matte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::Plane;
    use crate::pipeline::{Job, Level, Recipe};

    #[test]
    fn every_height_is_enlarged_by_every_factor() {
        for scale in [1.25, 1.37, 1.5, 2.0, 2.5, 3.0, 4.0] {
            for height in 1..300 {
                let photo = Image::new(2, height, vec![200; 8 * height as usize]);
                let recipe = Recipe { scale: Some(scale), ..Recipe::new(Job::Enhance) };
                let enhancement = recipe.enhancement(2, height, u64::MAX).unwrap();
                let made = enhance(Frame { photo, matte: None, census: None }, &enhancement);
                let Picture::Eight(made) = made else { panic!("16 bits") };
                assert!(made.pixels.iter().all(|&value| value == 200), "{height} {scale}");
            }
        }
    }

    /// Noise under a matte that is clear left, full right, with `specks` of another alpha in both.
    fn scene(specks: &[(usize, f32)]) -> Frame {
        let (width, height) = (700, 90);
        let pixels = (0..width * height).flat_map(|i: usize| {
            let tone = |c: usize| ((i * 7919 + c * 104_729) % 211) as u8;
            [tone(1), tone(2), tone(3), 255]
        });
        let photo = Image::new(width as u32, height as u32, pixels.collect());
        let mut values: Vec<f32> = (0..width * height).map(|i| if i % width < 350 { 0.0 } else { 1.0 }).collect();
        specks.iter().for_each(|&(x, alpha)| values[45 * width + x] = alpha);
        Frame { photo, matte: Some(Plane { width: 700, height: 90, values }), census: None }
    }

    #[test]
    fn the_short_ways_through_clear_and_full_rows_lead_to_the_same_pixels() {
        for (level, scale) in [(Level::Light, 1.5), (Level::Medium, 2.0), (Level::Medium, 1.37), (Level::Medium, 1.0)] {
            let recipe = Recipe { level, scale: Some(scale), ..Recipe::new(Job::Combo) };
            let enhancement = Enhancement { depth: Depth::Sixteen, ..recipe.enhancement(700, 90, u64::MAX).unwrap() };
            let run = |specks: &[(usize, f32)]| {
                let Picture::Sixteen(made) = enhance(scene(specks), &enhancement) else { panic!("8 bits") };
                made
            };
            // A speck makes all of its strip's rows around take the long way.
            let (short, long) = (run(&[]), run(&[(60, 0.5), (180, 0.4), (520, 0.5), (650, 0.6)]));
            let width = short.width as usize;
            let near = |i: usize| {
                let x = (i % width) as f64 / scale;
                [60.0, 180.0, 520.0, 650.0].iter().any(|speck| (x - speck).abs() < 16.0)
            };
            let pairs = short.pixels.as_chunks::<4>().0.iter().zip(long.pixels.as_chunks::<4>().0).enumerate();
            let (mut same, mut other) = (0, 0);
            for (i, (short, long)) in pairs {
                if near(i) {
                    other += (short != long) as usize;
                } else {
                    assert_eq!(short, long, "{level} {scale}: pixel {} of row {}", i % width, i / width);
                    same += 1;
                }
            }
            assert!(same > 40_000 && other > 40, "{level} {scale}: the comparison sees nothing: {same} {other}");
        }
    }

    #[test]
    fn strips_and_bands_leave_no_seam() {
        let recipe = Recipe { scale: Some(2.0), ..Recipe::new(Job::Combo) };
        let enhancement = recipe.enhancement(700, 90, u64::MAX).unwrap();
        let frame = scene(&[(60, 0.5), (349, 0.4), (520, 0.5)]);
        let road = Road::new(&frame, 1400, 180, enhancement.sharpening);
        let run = |columns: usize, rows: usize| {
            let mut pixels = vec![0u8; 4 * 1400 * 180];
            let mut strip = Strip::new(&road);
            for (band, out) in pixels.chunks_mut(4 * 1400 * rows).enumerate() {
                let rows = band * rows..band * rows + out.len() / (4 * 1400);
                for left in (0..1400).step_by(columns) {
                    strip.run(left..(left + columns).min(1400), rows.clone(), out);
                }
            }
            pixels
        };
        let whole = run(COLUMNS, 180);
        for (columns, rows) in [(COLUMNS, 64), (COLUMNS, 7), (100, 180), (17, 50), (1, 180)] {
            assert!(run(columns, rows) == whole, "strips of {columns}, bands of {rows}");
        }
    }
}
