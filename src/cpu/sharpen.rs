//! An unsharp mask on luma and on alpha that leaves the range of what is around nowhere, and so makes no halo.
//!
//! The mean that detail is measured against is taken over the subject alone: luma and alpha are blurred together and
//! divided (normalised convolution, Knutsson and Westin 1993), so that the transparent side of an edge has no say.

use std::ops::Range;

use super::enhance::{Premultiplied, pack};
use super::span::Around;
use crate::codec::Sample;
use crate::pipeline::Sharpening;
use crate::rules::{LUMA, MIN_ALPHA};
use crate::taps;

/// Sharpens and packs rows `own` of `band` into `out`; the rows around them are read only.
pub fn sharpen<T: Sample>(
    band: &[Premultiplied],
    width: usize,
    own: Range<usize>,
    sharpening: &Sharpening,
    around: &Around<'_>,
    out: &mut [T],
) {
    let weights = taps::gaussian(sharpening.sigma);
    let radius = weights.len() / 2;
    let rows = band.len() / width;
    let blurred = blur_rows(band, width, &weights);
    let (mut luma, mut alpha) = (vec![0f32; width], vec![0f32; width]);
    for (row, (y, out)) in own.zip(out.chunks_exact_mut(4 * width)).enumerate() {
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
        for (x, (out, pixel)) in out.as_chunks_mut::<4>().0.iter_mut().zip(&band[y * width..]).enumerate() {
            let pixel = pixel.map(|value| value as f32 / 65535.0);
            *out = pack(around.clamp(x, row, change(pixel, [luma[x], alpha[x]], sharpening)));
        }
    }
}

/// A premultiplied pixel as it becomes, straight, given the blurred luma and alpha around it.
#[inline]
fn change(pixel: [f32; 4], [mean_luma, mean_alpha]: [f32; 2], sharpening: &Sharpening) -> [f32; 4] {
    let [r, g, b, alpha] = pixel;
    let mut added = 0.0;
    if alpha >= MIN_ALPHA {
        let detail = luma(pixel) / alpha - mean_luma / mean_alpha.max(MIN_ALPHA);
        let beyond = (detail.abs() - sharpening.threshold).max(0.0);
        added = (sharpening.amount * beyond).copysign(detail);
    }
    let by = 1.0 / alpha.max(1e-6);
    let steep = alpha + sharpening.edge_amount * (alpha - mean_alpha);
    [r * by + added, g * by + added, b * by + added, steep]
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

#[cfg(test)]
mod tests {
    use crate::codec::{Image, Picture};
    use crate::cpu::{Frame, Plane, enhance};
    use crate::pipeline::{Job, Level, Recipe};

    /// A soft vertical edge between two greys, in colour and in alpha.
    fn edge() -> Frame {
        let tones = [60, 60, 60, 60, 60, 60, 70, 128, 186, 196, 196, 196, 196, 196, 196, 196];
        let pixels = (0..16 * 16).flat_map(|i| [tones[i % 16], tones[i % 16], tones[i % 16], 255]).collect();
        let alpha = |tone: i32| (tone - 60) as f32 / 136.0;
        let values = (0..16 * 16).map(|i| alpha(tones[15 - i % 16] as i32)).collect();
        let matte = Some(Plane { width: 16, height: 16, values });
        Frame { photo: Image::new(16, 16, pixels), matte, census: None }
    }

    #[test]
    fn no_level_makes_a_halo_and_each_makes_the_edges_steeper() {
        for level in Level::ALL {
            for scale in [1.0, 1.5, 2.0, 3.0] {
                let recipe = Recipe { level, scale: Some(scale), ..Recipe::new(Job::Combo) };
                let sharp = recipe.enhancement(16, 16, u64::MAX).unwrap();
                let row = |enhancement: &crate::pipeline::Enhancement, alone: bool| {
                    let frame = Frame { matte: edge().matte.filter(|_| !alone), ..edge() };
                    let Picture::Eight(image) = enhance(frame, enhancement).unwrap() else { panic!("16 bits") };
                    let middle = image.height as usize / 2 * image.width as usize;
                    image.pixels.as_chunks::<4>().0[middle..middle + image.width as usize].to_vec()
                };
                let plain = crate::pipeline::Enhancement { sharpening: None, denoises: false, ..sharp };
                let steepest = |row: &[[u8; 4]], c: usize| {
                    row.windows(2).map(|pair| pair[0][c].abs_diff(pair[1][c])).max().unwrap_or(0)
                };
                let (found, before) = (row(&sharp, true), row(&plain, true));
                assert!(found.iter().all(|pixel| (60..=196).contains(&pixel[0])), "{level} {scale}: {found:?}");
                assert!(steepest(&found, 0) >= steepest(&before, 0), "{level} {scale}");
                let (found, before) = (row(&sharp, false), row(&plain, false));
                assert!(found.iter().all(|pixel| pixel[3] == 0 || pixel[0] >= 60), "{level} {scale}: {found:?}");
                assert!(steepest(&found, 3) > steepest(&before, 3), "{level} {scale}: {found:?}");
            }
        }
    }
}
