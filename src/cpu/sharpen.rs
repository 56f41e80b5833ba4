//! An unsharp mask that neither brightens nor darkens the subject's outline.
//!
//! The mean that detail is measured against is taken over the subject alone: luma and alpha are blurred together and
//! divided (normalised convolution, Knutsson and Westin 1993), so that the transparent side of an edge has no say.

use std::ops::Range;

use super::enhance::{Premultiplied, pack};
use crate::pipeline::Sharpening;
use crate::taps;

/// Rec. 709 weights, on sRGB-encoded values: luma, not luminance.
pub const LUMA: [f32; 3] = [0.2126, 0.7152, 0.0722];

/// Alpha below which a pixel's colour is too uncertain to sharpen.
pub const MIN_ALPHA: f32 = 4.0 / 255.0;

/// Rows and columns the mask reads on each side.
pub fn reach(sharpening: &Sharpening) -> usize {
    taps::gaussian(sharpening.sigma).len() / 2
}

/// Sharpens and packs rows `own` of `band` into `out`; the rows around them are read only.
pub fn sharpen(band: &[Premultiplied], width: usize, own: Range<usize>, sharpening: &Sharpening, out: &mut [u8]) {
    let weights = taps::gaussian(sharpening.sigma);
    let radius = weights.len() / 2;
    let rows = band.len() / width;
    let blurred = blur_rows(band, width, &weights);
    let (mut luma, mut alpha) = (vec![0f32; width], vec![0f32; width]);
    for (y, out) in own.zip(out.chunks_exact_mut(4 * width)) {
        luma.fill(0.0);
        alpha.fill(0.0);
        for (k, &weight) in weights.iter().enumerate() {
            // Beyond the picture its last row goes on.
            let from = (y + k).saturating_sub(radius).min(rows - 1);
            let (row_luma, row_alpha) = blurred[2 * from * width..][..2 * width].split_at(width);
            for x in 0..width {
                luma[x] += weight * row_luma[x];
                alpha[x] += weight * row_alpha[x];
            }
        }
        for (x, (out, &pixel)) in out.as_chunks_mut::<4>().0.iter_mut().zip(&band[y * width..]).enumerate() {
            let pixel = pixel.map(|value| value as f32 / 65535.0);
            *out = pack(pixel, change(pixel, luma[x], alpha[x], sharpening));
        }
    }
}

/// What the mask adds to each colour of a premultiplied pixel, given the blurred luma and alpha around it.
#[inline]
fn change(pixel: [f32; 4], mean_luma: f32, mean_alpha: f32, sharpening: &Sharpening) -> f32 {
    let alpha = pixel[3];
    if alpha < MIN_ALPHA {
        return 0.0;
    }
    let detail = luma(pixel) / alpha - mean_luma / mean_alpha.max(MIN_ALPHA);
    let beyond = (detail.abs() - sharpening.threshold).max(0.0);
    (sharpening.amount * beyond).copysign(detail)
}

#[inline]
fn luma(pixel: [f32; 4]) -> f32 {
    pixel[0] * LUMA[0] + pixel[1] * LUMA[1] + pixel[2] * LUMA[2]
}

/// Luma and alpha of each row, blurred along it: a row of luma, then a row of alpha.
fn blur_rows(band: &[Premultiplied], width: usize, weights: &[f32]) -> Vec<f32> {
    let radius = weights.len() / 2;
    let mut blurred = vec![0f32; 2 * band.len()];
    let mut padded = vec![0f32; width + 2 * radius];
    let mut blur = |values: &mut dyn Iterator<Item = f32>, out: &mut [f32]| {
        padded[radius..radius + width].iter_mut().zip(values).for_each(|(to, value)| *to = value);
        // Beyond the picture its first and last pixel go on.
        let (first, last) = (padded[radius], padded[radius + width - 1]);
        padded[..radius].fill(first);
        padded[radius + width..].fill(last);
        for (k, &weight) in weights.iter().enumerate() {
            out.iter_mut().zip(&padded[k..]).for_each(|(out, &value)| *out += weight * value);
        }
    };
    for (row, out) in band.chunks_exact(width).zip(blurred.chunks_exact_mut(2 * width)) {
        let (luma_out, alpha_out) = out.split_at_mut(width);
        blur(&mut row.iter().map(|pixel| luma(pixel.map(|value| value as f32 / 65535.0))), luma_out);
        blur(&mut row.iter().map(|pixel| pixel[3] as f32 / 65535.0), alpha_out);
    }
    blurred
}
