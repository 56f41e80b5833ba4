//! The decontaminate stage: gives soft pixels the subject's own colour, without the background that shines through.
//!
//! Blur fusion (Forte 2021, "Approximate Fast Foreground Colour Estimation"), from coarse to fine as in Germer et al.
//! 2020 ("Fast Multi-Level Foreground Estimation"): around each pixel, foreground and background are the means of their
//! estimates so far, weighted by alpha and by one less alpha; then the foreground takes up the difference between the
//! photo's colour and their mixture. Colours are sRGB-encoded, with straight alpha.

use std::ops::Range;

use multiversion::multiversion;
use rayon::prelude::*;

use cameo_core::codec::Image;
use cameo_core::pipeline::CutoutOptions;
use cameo_core::tuning::{FUSION_MIN_ALPHA, FUSION_RADIUS, pyramid_levels};

use crate::box_filter::{SparseValues, scatter, sparse_box_means};
use crate::frame::CpuFrame;

/// Replaces the colours of `frame` by the foreground's wherever its matte, or its own alpha if it has no matte, is
/// soft, and as far outside as `options` move the edge.
pub fn decontaminate(frame: CpuFrame, options: &CutoutOptions) -> CpuFrame {
    let CpuFrame { photo, matte, stats } = frame;
    let Image { width, height, mut pixels } = photo;
    let photo_alpha: Vec<f32>;
    let alpha = match &matte {
        Some(matte) => &matte.values[..],
        None => {
            photo_alpha = pixels.as_chunks::<4>().0.par_iter().map(|pixel| pixel[3] as f32 / 255.0).collect();
            &photo_alpha
        }
    };
    let margin = options.outward_reach(width, height) as usize;
    let finest = LevelView { width: width as usize, colors: pixels.as_chunks().0, alpha };
    let coarser = estimate_coarse_levels(finest, pyramid_levels(width, height), margin);
    let fused = fuse_level(finest, coarser.as_ref(), margin);
    scatter(fused, width as usize, pixels.as_chunks_mut::<4>().0, |pixel, ColorEstimate { foreground, .. }| {
        pixel[..3].copy_from_slice(&foreground);
    });
    CpuFrame { photo: Image { width, height, pixels }, matte, stats }
}

/// Halves `finest` `count` times and estimates colours from the coarsest level on. Returns the estimates at half the
/// size of `finest`, none if `count` is 0.
fn estimate_coarse_levels(finest: LevelView<'_>, count: u32, margin: usize) -> Option<Estimates> {
    let mut levels: Vec<Level> = Vec::new();
    for _ in 0..count {
        let level = downsample2(levels.last().map_or(finest, Level::view));
        levels.push(level);
    }
    let mut coarser: Option<Estimates> = None;
    for (i, level) in levels.iter().enumerate().rev() {
        let fused = fuse_level(level.view(), coarser.as_ref(), margin.div_ceil(2 << i));
        let mut values: Vec<ColorEstimate> = level.colors.par_iter().map(|&color| ColorEstimate::of(color)).collect();
        scatter(fused, level.width, &mut values, |estimate, fused| *estimate = fused);
        coarser = Some(Estimates { width: level.width, values });
    }
    coarser
}

/// One level of the image pyramid.
struct Level {
    width: usize,
    colors: Vec<[u8; 4]>,
    alpha: Vec<f32>,
}

#[derive(Clone, Copy)]
struct LevelView<'a> {
    width: usize,
    colors: &'a [[u8; 4]],
    alpha: &'a [f32],
}

impl Level {
    fn view(&self) -> LevelView<'_> {
        LevelView { width: self.width, colors: &self.colors, alpha: &self.alpha }
    }
}

/// The estimated foreground and background colours of a pixel.
#[derive(Clone, Copy, Default)]
struct ColorEstimate {
    foreground: [u8; 3],
    background: [u8; 3],
}

impl ColorEstimate {
    /// The first estimate: both are the colour of the photo.
    fn of(color: [u8; 4]) -> Self {
        Self { foreground: rgb(color), background: rgb(color) }
    }
}

/// The estimates of one level, one per pixel.
struct Estimates {
    width: usize,
    values: Vec<ColorEstimate>,
}

fn rgb([r, g, b, _]: [u8; 4]) -> [u8; 3] {
    [r, g, b]
}

/// Averages two by two pixels; an odd row or column at the end counts double.
fn downsample2(LevelView { width, colors, alpha }: LevelView<'_>) -> Level {
    let height = alpha.len() / width;
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    let count = half_width * half_height;
    let (mut half_colors, mut half_alpha) = (vec![[0; 4]; count], vec![0.0; count]);
    let rows = half_colors.par_chunks_mut(half_width).zip(half_alpha.par_chunks_mut(half_width)).enumerate();
    rows.for_each(|(y, (color_row, alpha_row))| {
        let rows = [2 * y, (2 * y + 1).min(height - 1)].map(|y| y * width..(y + 1) * width);
        downsample_rows(rows.clone().map(|row| &colors[row]), rows.map(|row| &alpha[row]), color_row, alpha_row);
    });
    Level { width: half_width, colors: half_colors, alpha: half_alpha }
}

/// Averages two rows into one of half the width.
#[multiversion(targets("x86_64+avx2"))]
fn downsample_rows(colors: [&[[u8; 4]]; 2], alpha: [&[f32]; 2], half_colors: &mut [[u8; 4]], half_alpha: &mut [f32]) {
    let mean = |four: [[u8; 4]; 4]| {
        [0, 1, 2, 3].map(|c| ((four.iter().map(|pixel| pixel[c] as u16).sum::<u16>() + 2) / 4) as u8)
    };
    let mean_alpha = |[a, b, c, d]: [f32; 4]| (a + b + c + d) / 4.0;
    let [upper, lower] = colors.map(|row| row.as_chunks::<2>());
    for (out, (&[a, b], &[c, d])) in half_colors.iter_mut().zip(upper.0.iter().zip(lower.0)) {
        *out = mean([a, b, c, d]);
    }
    let [upper_alpha, lower_alpha] = alpha.map(|row| row.as_chunks::<2>());
    for (out, (&[a, b], &[c, d])) in half_alpha.iter_mut().zip(upper_alpha.0.iter().zip(lower_alpha.0)) {
        *out = mean_alpha([a, b, c, d]);
    }
    if let ([last], [below]) = (upper.1, lower.1) {
        half_colors[upper.0.len()] = mean([*last, *last, *below, *below]);
    }
    if let ([last], [below]) = (upper_alpha.1, lower_alpha.1) {
        half_alpha[upper.0.len()] = mean_alpha([*last, *last, *below, *below]);
    }
}

/// Estimates the colours of each soft pixel of a level, and of each clear one within `margin` of a pixel that is not
/// clear, from the estimates of the next coarser level.
fn fuse_level(level: LevelView<'_>, coarser: Option<&Estimates>, margin: usize) -> Vec<SparseValues<ColorEstimate>> {
    let LevelView { width, colors, alpha } = level;
    let previous = |i: usize| match coarser {
        Some(Estimates { width: half_width, values }) => values[i / width / 2 * half_width + i % width / 2],
        None => ColorEstimate::of(colors[i]),
    };
    let weighted = |i: usize| {
        let a = alpha[i];
        let estimate = if 0.0 < a && a < 1.0 { previous(i) } else { ColorEstimate::default() };
        let ColorEstimate { mut foreground, mut background } = estimate;
        if a >= 1.0 {
            foreground = rgb(colors[i]);
        }
        if a <= 0.0 {
            background = rgb(colors[i]);
        }
        let ([r, g, b], [br, bg, bb]) = (foreground.map(f32::from), background.map(f32::from));
        let rest = 1.0 - a;
        [a * r, a * g, a * b, a, rest * br, rest * bg, rest * bb, rest]
    };
    let needed = |rows: Range<usize>| needed_columns(level, rows, margin);
    sparse_box_means([alpha.len() / width, width], FUSION_RADIUS, weighted, needed, |i, means| {
        let a = alpha[i];
        if a >= 1.0 || (a <= 0.0 && margin == 0) {
            return None;
        }
        if means[3] < FUSION_MIN_ALPHA {
            // No foreground is near at this level.
            return Some(ColorEstimate { foreground: previous(i).foreground, background: rgb(colors[i]) });
        }
        Some(fuse_pixel(colors[i], a, means))
    })
}

/// Estimates the colours of a pixel from the means around it: the foreground weighted by alpha, alpha, the background
/// weighted by one less alpha, and one less alpha.
#[inline(always)]
fn fuse_pixel(color: [u8; 4], a: f32, [r, g, b, alpha, br, bg, bb, rest]: [f32; 8]) -> ColorEstimate {
    let photo = rgb(color).map(f32::from);
    let rest = rest.max(1e-6);
    let (foreground, background) = ([r, g, b].map(|sum| sum / alpha), [br, bg, bb].map(|sum| sum / rest));
    let residual = |c: usize| photo[c] - a * foreground[c] - (1.0 - a) * background[c];
    let round = |value: f32| (value + 0.5) as u8;
    ColorEstimate {
        foreground: [0, 1, 2].map(|c| round(foreground[c] + a * residual(c))),
        background: if a <= 0.0 { rgb(color) } else { background.map(round) },
    }
}

/// Marks the columns in which a pixel of `rows` is soft, or clear and within `margin` of one that is not clear.
fn needed_columns(LevelView { width, alpha, .. }: LevelView<'_>, rows: Range<usize>, margin: usize) -> Vec<bool> {
    let mut near = vec![false; width];
    let end = (rows.end + margin).min(alpha.len() / width);
    for y in rows.start.saturating_sub(margin)..end {
        for (near, &value) in near.iter_mut().zip(&alpha[y * width..][..width]) {
            *near |= (0.0 < value) & ((value < 1.0) | (margin > 0));
        }
    }
    if margin == 0 {
        return near;
    }
    let mut needed = vec![false; width];
    for x in (0..width).filter(|&x| near[x]) {
        needed[x.saturating_sub(margin)..(x + margin + 1).min(width)].fill(true);
    }
    needed
}
