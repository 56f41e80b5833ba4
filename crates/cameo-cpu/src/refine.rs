//! The refine stage: brings the matte to the photo's size along the photo's own edges.
//!
//! The fast guided filter (He and Sun 2015, "Fast Guided Filter"; He et al. 2013 for colour guides): around each of the
//! matte's pixels, alpha is fitted as a linear function of the photo's colour, and the coefficients of these functions,
//! not their values, are enlarged. Where colours do not explain the matte, the matte itself is enlarged by Lanczos-3.

use std::ops::Range;

use multiversion::multiversion;
use rayon::prelude::*;

use cameo_core::codec::Image;
use cameo_core::taps;
use cameo_core::tuning::{FIT_EPSILON, FIT_RADIUS, FIT_TRUST, HAZE, Roi, SOFT_RANGE, smoothstep};

use crate::box_filter::{scatter, sparse_box_means};
use crate::components::dilate;
use crate::matte::CpuMatte;
use crate::plane::{Plane, resample_columns_at};

/// Alpha as a linear function of colour around a pixel: the slopes of red, green and blue and an offset, each times the
/// trust in the function, and that trust in 0..1.
type LinearModel = [f32; 5];

/// Returns `matte`, which covers `roi`, at the size of `photo`, times the photo's own alpha; 0 outside the ROI.
/// `plain` leaves out the guided filter.
pub fn refine(matte: &CpuMatte, photo: &Image, roi: &Roi, plain: bool) -> Plane {
    let Image { width, height, ref pixels } = *photo;
    let side = matte.alpha.width as usize;
    let models = (!plain).then(|| fit_models(&matte.alpha, &matte.resized));
    let rows = matte.alpha.resample_rows(&taps::lanczos3(side, roi.width as usize));
    let vertical = taps::lanczos3(side, roi.height as usize);
    let columns = roi.left as usize..(roi.left + roi.width) as usize;
    let mut values = vec![0.0; width as usize * height as usize];
    let photo_rows = values.par_chunks_mut(width as usize).zip(pixels.par_chunks(4 * width as usize));
    let roi_rows = photo_rows.skip(roi.top as usize).take(roi.height as usize).enumerate();
    roi_rows.for_each(|(y, (row, pixels))| {
        let row = &mut row[columns.clone()];
        let pixels = &pixels.as_chunks().0[columns.clone()];
        resample_columns_at(&rows, &vertical, y, row);
        if let Some(models) = &models {
            apply_models(row, pixels, models, side, BilinearTap::new(y, roi.height as usize, side));
        }
        snap_and_multiply(row, pixels);
    });
    Plane { width, height, values }
}

/// Replaces the soft values of a row of the matte by those that `models`, `side` a row, predict from the colours of
/// its `pixels`.
fn apply_models(row: &mut [f32], pixels: &[[u8; 4]], models: &[LinearModel], side: usize, vertical: BilinearTap) {
    let width = row.len();
    for (x, (value, pixel)) in row.iter_mut().zip(pixels).enumerate() {
        // Most pixels end here.
        if *value <= SOFT_RANGE[0] || 1.0 - *value <= SOFT_RANGE[0] {
            continue;
        }
        let blend = smoothstep(*value, SOFT_RANGE) * smoothstep(1.0 - *value, SOFT_RANGE);
        let [r, g, b, offset, trust] = sample_model(models, side, BilinearTap::new(x, width, side), vertical);
        let unit = |value: u8| value as f32 / 255.0;
        let fitted = r * unit(pixel[0]) + g * unit(pixel[1]) + b * unit(pixel[2]) + offset;
        let fitted = ((1.0 - trust) * *value + fitted).clamp(0.0, 1.0);
        *value += (fitted - *value) * blend;
    }
}

/// Snaps values of a row of the matte that are nearly 0 or 1, and multiplies them by the photo's own alpha.
#[multiversion(targets("x86_64+avx2"))]
fn snap_and_multiply(row: &mut [f32], pixels: &[[u8; 4]]) {
    for (value, pixel) in row.iter_mut().zip(pixels) {
        let snapped = if *value < HAZE { 0.0 } else { *value };
        let snapped = if snapped > 1.0 - HAZE { 1.0 } else { snapped };
        *value = snapped * (pixel[3] as f32 / 255.0);
    }
}

/// The two samples that a sample of a longer row lies between.
#[derive(Clone, Copy)]
struct BilinearTap {
    low: usize,
    high: usize,
    /// The weight of `high`; that of `low` is the rest.
    fraction: f32,
}

impl BilinearTap {
    /// Returns the tap for sample `i` of `count` over a row of `side` samples.
    #[inline]
    fn new(i: usize, count: usize, side: usize) -> Self {
        let centre = (i as f32 + 0.5) * (side as f32 / count as f32) - 0.5;
        let centre = centre.clamp(0.0, (side - 1) as f32);
        let low = centre as usize;
        Self { low, high: (low + 1).min(side - 1), fraction: centre - low as f32 }
    }
}

#[inline]
fn sample_model(models: &[LinearModel], side: usize, horizontal: BilinearTap, vertical: BilinearTap) -> LinearModel {
    let row = |y: usize| {
        let (low, high) = (&models[y * side + horizontal.low], &models[y * side + horizontal.high]);
        std::array::from_fn::<f32, 5, _>(|i| low[i] + (high[i] - low[i]) * horizontal.fraction)
    };
    let (low, high) = (row(vertical.low), row(vertical.high));
    std::array::from_fn(|i| low[i] + (high[i] - low[i]) * vertical.fraction)
}

/// Returns the linear model of each pixel of `alpha`, with the colours of `resized`: fitted over a box, then averaged
/// over a box of the same size. Away from soft pixels, models are 0.
fn fit_models(alpha: &Plane, resized: &Image) -> Vec<LinearModel> {
    let side = alpha.width as usize;
    let radius = FIT_RADIUS as usize;
    let pixels = resized.pixels.as_chunks::<4>().0;
    // Around one half, so that differences of squares keep their digits.
    let moments = |i: usize| {
        let [r, g, b] = [0, 1, 2].map(|c| pixels[i][c] as f32 / 255.0 - 0.5);
        let p = alpha.values[i] - 0.5;
        [r, g, b, p, r * p, g * p, b * p, p * p, r * r, r * g, r * b, g * g, g * b, b * b]
    };
    let soft = |margin: usize| move |rows: Range<usize>| soft_columns(alpha, rows, margin);
    let mut models = vec![LinearModel::default(); alpha.values.len()];
    let size = [alpha.height as usize, side];
    let fitted = sparse_box_means(size, radius, moments, soft(radius + 2), |_, mean| Some(solve_model(mean)));
    scatter(fitted, side, &mut models, |model, fitted| *model = fitted);
    // The means are written over the models that they were computed from, which nothing needs any more.
    let averaged = sparse_box_means(size, radius, |i| models[i], soft(2), |_, mean| Some(mean));
    scatter(averaged, side, &mut models, |model, mean| *model = mean);
    models
}

/// A difference of neighbouring pixels above which enlarging makes soft pixels between them.
const EDGE_STEP: f32 = 0.1;

/// Marks the columns within `margin` of a soft pixel, or of a step of more than [`EDGE_STEP`], in `rows` and the
/// `margin` rows around them.
fn soft_columns(alpha: &Plane, rows: Range<usize>, margin: usize) -> Vec<bool> {
    let width = alpha.width as usize;
    let mut soft = vec![false; width];
    let end = (rows.end + margin).min(alpha.height as usize);
    for y in rows.start.saturating_sub(margin)..end {
        let row = &alpha.values[y * width..][..width];
        let below = &alpha.values[(y + 1).min(end - 1) * width..][..width];
        mark_soft(row, below, &mut soft);
    }
    dilate(&soft, width, margin)
}

/// Marks the pixels of `row` that are soft or beside a step.
#[multiversion(targets("x86_64+avx2"))]
fn mark_soft(row: &[f32], below: &[f32], marks: &mut [bool]) {
    for ((mark, &value), &below) in marks.iter_mut().zip(row).zip(below) {
        let soft = (SOFT_RANGE[0] / 2.0 < value) & (value < 1.0 - SOFT_RANGE[0] / 2.0);
        *mark |= soft | ((below - value).abs() > EDGE_STEP);
    }
    for (mark, pair) in marks.iter_mut().zip(row.windows(2)) {
        *mark |= (pair[1] - pair[0]).abs() > EDGE_STEP;
    }
}

/// Fits alpha to colour by ridge regression, from the means over a box of the colours, of alpha `p` and of their
/// products, all less one half.
fn solve_model([r, g, b, p, rp, gp, bp, pp, rr, rg, rb, gg, gb, bb]: [f32; 14]) -> LinearModel {
    let covariance = [rp - r * p, gp - g * p, bp - b * p];
    let variance = pp - p * p;
    // An L D L' factorisation, which stays exact where the colours are all of one hue.
    let d0 = rr - r * r + FIT_EPSILON;
    let l10 = (rg - r * g) / d0;
    let l20 = (rb - r * b) / d0;
    let d1 = (gg - g * g + FIT_EPSILON - l10 * l10 * d0).max(FIT_EPSILON);
    let l21 = (gb - g * b - l20 * l10 * d0) / d1;
    let d2 = (bb - b * b + FIT_EPSILON - l20 * l20 * d0 - l21 * l21 * d1).max(FIT_EPSILON);
    let y1 = covariance[1] - l10 * covariance[0];
    let y2 = covariance[2] - l20 * covariance[0] - l21 * y1;
    let blue = y2 / d2;
    let green = y1 / d1 - l21 * blue;
    let red = covariance[0] / d0 - l10 * green - l20 * blue;
    let slope = [red, green, blue];
    let explained: f32 = slope.iter().zip(covariance).map(|(slope, covariance)| slope * covariance).sum();
    let trust = smoothstep(explained / variance.max(FIT_EPSILON), FIT_TRUST);
    // Undoes the subtraction of one half from colours and alpha.
    let offset = p + 0.5 - slope.iter().zip([r, g, b]).map(|(slope, mean)| slope * (mean + 0.5)).sum::<f32>();
    [red * trust, green * trust, blue * trust, offset * trust, trust]
}
