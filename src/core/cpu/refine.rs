//! The matte, brought to the photo's size along the photo's own edges.
//!
//! The fast guided filter (He and Sun 2015, "Fast Guided Filter"; He et al. 2013 for colour guides): around each of
//! the matte's pixels alpha is fitted as a linear function of the photo's colour, and those functions, not their
//! values, are enlarged. Where colours do not explain the matte, it is enlarged by Lanczos-3.

use std::ops::Range;

use multiversion::multiversion;
use rayon::prelude::*;

use super::Matte;
use super::boxes::{lay, means};
use super::components::grown;
use super::plane::{self, Plane};
use crate::codec::Image;
use crate::rules::{BAND, FIT_EPSILON, FIT_REACH, FIT_TRUST, HAZE, Window, smooth};
use crate::taps;

/// Alpha as a function of colour around a pixel: `[r, g, b]` slopes and an offset, times how far the function is to
/// be trusted, and that trust.
type Fit = [f32; 5];

/// `matte`, which lies over `window`, at the size of `photo`, times the photo's own alpha; 0 outside the window.
/// `plain` leaves out the guided filter.
pub fn refine(matte: &Matte, photo: &Image, window: &Window, plain: bool) -> Plane {
    let Image { width, height, ref pixels } = *photo;
    let side = matte.plane.width as usize;
    let fits = (!plain).then(|| fit(&matte.plane, &matte.small));
    let wide = matte.plane.across(&taps::lanczos3(side, window.width as usize));
    let down = taps::lanczos3(side, window.height as usize);
    let columns = window.left as usize..(window.left + window.width) as usize;
    let mut values = vec![0.0; width as usize * height as usize];
    let rows = values.par_chunks_mut(width as usize).zip(pixels.par_chunks(4 * width as usize));
    let rows = rows.skip(window.top as usize).take(window.height as usize).enumerate();
    rows.for_each(|(y, (row, pixels))| {
        let row = &mut row[columns.clone()];
        let pixels = &pixels.as_chunks().0[columns.clone()];
        plane::down_row(&wide, &down, y, row);
        if let Some(fits) = &fits {
            follow(row, pixels, fits, side, between(y, window.height as usize, side));
        }
        settle(row, pixels);
    });
    Plane { width, height, values }
}

/// A row of the matte, by the functions of its pixels' colours where it is neither certainly in nor out.
fn follow(row: &mut [f32], pixels: &[[u8; 4]], fits: &[Fit], side: usize, down: (usize, usize, f32)) {
    let width = row.len();
    for (x, (value, pixel)) in row.iter_mut().zip(pixels).enumerate() {
        // Most pixels end here.
        if *value <= BAND[0] || 1.0 - *value <= BAND[0] {
            continue;
        }
        let inside = smooth(*value, BAND) * smooth(1.0 - *value, BAND);
        let [r, g, b, offset, trust] = sample(fits, side, between(x, width, side), down);
        let color = |tone: u8| tone as f32 / 255.0;
        let fitted = r * color(pixel[0]) + g * color(pixel[1]) + b * color(pixel[2]) + offset;
        let fitted = ((1.0 - trust) * *value + fitted).clamp(0.0, 1.0);
        *value += (fitted - *value) * inside;
    }
}

/// A row of the matte without its haze, times the photo's own alpha.
#[multiversion(targets("x86_64+avx2"))]
fn settle(row: &mut [f32], pixels: &[[u8; 4]]) {
    for (value, pixel) in row.iter_mut().zip(pixels) {
        let sure = if *value < HAZE { 0.0 } else { *value };
        let sure = if sure > 1.0 - HAZE { 1.0 } else { sure };
        *value = sure * (pixel[3] as f32 / 255.0);
    }
}

/// Sample `i` of `count` over `side` samples: the two it lies between, and its share of the second.
fn between(i: usize, count: usize, side: usize) -> (usize, usize, f32) {
    let centre = (i as f32 + 0.5) * (side as f32 / count as f32) - 0.5;
    let centre = centre.clamp(0.0, (side - 1) as f32);
    let low = centre as usize;
    (low, (low + 1).min(side - 1), centre - low as f32)
}

fn sample(fits: &[Fit], side: usize, across: (usize, usize, f32), down: (usize, usize, f32)) -> Fit {
    let row = |y: usize| {
        let (one, other) = (&fits[y * side + across.0], &fits[y * side + across.1]);
        std::array::from_fn::<f32, 5, _>(|i| one[i] + (other[i] - one[i]) * across.2)
    };
    let (one, other) = (row(down.0), row(down.1));
    std::array::from_fn(|i| one[i] + (other[i] - one[i]) * down.2)
}

/// The function of each pixel of `matte`, with `small` as its photo: fitted over a window, then averaged over as large
/// a one.
fn fit(matte: &Plane, small: &Image) -> Vec<Fit> {
    let side = matte.width as usize;
    let reach = FIT_REACH as usize;
    let pixels = small.pixels.as_chunks::<4>().0;
    // Around one half, so that differences of squares keep their digits.
    let moments = |i: usize| {
        let [r, g, b] = [0, 1, 2].map(|c| pixels[i][c] as f32 / 255.0 - 0.5);
        let p = matte.values[i] - 0.5;
        [r, g, b, p, r * p, g * p, b * p, p * p, r * r, r * g, r * b, g * g, g * b, b * b]
    };
    let soft = |extra: usize| move |rows: Range<usize>| soft_columns(matte, rows, extra);
    let mut fits = vec![Fit::default(); matte.values.len()];
    let size = [matte.height as usize, side];
    let made = means(size, reach, moments, soft(reach + 2), |_, mean| Some(solve(mean)));
    lay(made, side, &mut fits, |fit, made| *fit = made);
    // What is needed of these was made of those, which are in the way no more.
    let made = means(size, reach, |i| fits[i], soft(2), |_, mean| Some(mean));
    lay(made, side, &mut fits, |fit, made| *fit = made);
    fits
}

/// A step between two pixels that makes soft ones when it is enlarged.
const STEP: f32 = 0.1;

/// The columns in which a pixel within `extra` of `rows` is neither certainly in nor out, or beside such a step; and
/// those within `extra` of them.
fn soft_columns(matte: &Plane, rows: Range<usize>, extra: usize) -> Vec<bool> {
    let width = matte.width as usize;
    let mut soft = vec![false; width];
    let last = (rows.end + extra).min(matte.height as usize);
    for y in rows.start.saturating_sub(extra)..last {
        let row = &matte.values[y * width..][..width];
        let below = &matte.values[(y + 1).min(last - 1) * width..][..width];
        mark_soft(row, below, &mut soft);
    }
    grown(&soft, width, extra)
}

/// Marks the pixels of `row` that are neither certainly in nor out, or beside a step.
#[multiversion(targets("x86_64+avx2"))]
fn mark_soft(row: &[f32], below: &[f32], marks: &mut [bool]) {
    for ((mark, &value), &below) in marks.iter_mut().zip(row).zip(below) {
        let soft = (BAND[0] / 2.0 < value) & (value < 1.0 - BAND[0] / 2.0);
        *mark |= soft | ((below - value).abs() > STEP);
    }
    for (mark, beside) in marks.iter_mut().zip(row.windows(2)) {
        *mark |= (beside[1] - beside[0]).abs() > STEP;
    }
}

/// The function from the means of colour, alpha and their products over a window, all less one half.
fn solve([r, g, b, p, rp, gp, bp, pp, rr, rg, rb, gg, gb, bb]: [f32; 14]) -> Fit {
    let covariance = [rp - r * p, gp - g * p, bp - b * p];
    let variance = pp - p * p;
    // Factored as L D L', which stays exact where the colours are all of one hue.
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
    let trust = smooth(explained / variance.max(FIT_EPSILON), FIT_TRUST);
    // As a function of colours and alpha from 0.
    let offset = p + 0.5 - slope.iter().zip([r, g, b]).map(|(slope, mean)| slope * (mean + 0.5)).sum::<f32>();
    [red * trust, green * trust, blue * trust, offset * trust, trust]
}
