//! An unsharp mask on luma and on alpha that leaves the range of what is around nowhere, and so makes no halo.
//!
//! The mean that detail is measured against is taken over the subject alone: luma and alpha are blurred together and
//! divided (normalised convolution, Knutsson and Westin 1993), so that the transparent side of an edge has no say.

#![allow(clippy::needless_range_loop, reason = "lanes are walked in step over several arrays: so they become vectors")]

use std::array::from_fn;

use multiversion::multiversion;

use super::rows::{LANES, Lanes, lanes, larger, luma_of, snapped};
use super::span::Around;
use crate::codec::Sample;
use crate::pipeline::Sharpening;
use crate::rules::MIN_ALPHA;

/// A row of premultiplied planes, sharpened and packed, given its luma and its alpha blurred.
#[multiversion(targets("x86_64+avx2"))]
pub fn soft<T: Sample>(
    planes: &[&[f32]; 4],
    means: [&[f32]; 2],
    around: &Around,
    sharpening: &Sharpening,
    out: &mut [[T; 4]],
) {
    for (n, out) in out.chunks_mut(LANES).enumerate() {
        let [r, g, b, alpha]: [Lanes; 4] = planes.map(|plane| lanes(plane, n));
        let [mean_luma, mean_alpha] = means.map(|plane| lanes(plane, n));
        let mut straight = [[0.0; LANES]; 4];
        for l in 0..LANES {
            let by = 1.0 / larger(alpha[l], 1e-6);
            let mean_alpha = snapped(mean_alpha[l]);
            let detail = luma_of(r[l], g[l], b[l]) * by - mean_luma[l] / larger(mean_alpha, MIN_ALPHA);
            let added = if alpha[l] >= MIN_ALPHA { gained(detail, sharpening) } else { 0.0 };
            straight[0][l] = r[l] * by + added;
            straight[1][l] = g[l] * by + added;
            straight[2][l] = b[l] * by + added;
            straight[3][l] = alpha[l] + sharpening.edge_amount * (alpha[l] - mean_alpha);
        }
        around.hold(n, &mut straight);
        pack(&straight, out);
    }
}

/// The same where alpha is 1 all around.
#[multiversion(targets("x86_64+avx2"))]
pub fn full<T: Sample>(
    planes: &[&[f32]; 4],
    mean_luma: &[f32],
    around: &Around,
    sharpening: &Sharpening,
    out: &mut [[T; 4]],
) {
    for (n, out) in out.chunks_mut(LANES).enumerate() {
        let [r, g, b, alpha]: [Lanes; 4] = planes.map(|plane| lanes(plane, n));
        let mean_luma = lanes(mean_luma, n);
        let mut straight = [r, g, b, alpha];
        for l in 0..LANES {
            let added = gained(luma_of(r[l], g[l], b[l]) - mean_luma[l], sharpening);
            (0..3).for_each(|c| straight[c][l] += added);
        }
        around.hold_colors(n, &mut straight);
        pack(&straight, out);
    }
}

/// A row of premultiplied planes, packed.
#[multiversion(targets("x86_64+avx2"))]
pub fn straighten<T: Sample>(planes: &[&[f32]; 4], out: &mut [[T; 4]]) {
    for (n, out) in out.chunks_mut(LANES).enumerate() {
        let mut straight: [Lanes; 4] = planes.map(|plane| lanes(plane, n));
        for l in 0..LANES {
            let by = 1.0 / larger(straight[3][l], 1e-6);
            (0..3).for_each(|c| straight[c][l] *= by);
        }
        pack(&straight, out);
    }
}

/// What is added for `detail`.
#[inline(always)]
fn gained(detail: f32, sharpening: &Sharpening) -> f32 {
    (sharpening.amount * larger(detail.abs() - sharpening.threshold, 0.0)).copysign(detail)
}

/// Straight pixels in 0..1, rounded; colours are 0 where alpha is.
#[inline(always)]
fn pack<T: Sample>(straight: &[Lanes; 4], out: &mut [[T; 4]]) {
    let none = T::exactly(0);
    let packed: [[T; 4]; LANES] = from_fn(|l| {
        let pixel: [T; 4] = from_fn(|c| T::of(straight[c][l]));
        if pixel[3] == none { [none; 4] } else { pixel }
    });
    match out.as_chunks_mut::<LANES>().0 {
        [whole] => *whole = packed,
        _ => out.copy_from_slice(&packed[..out.len()]),
    }
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
                    let Picture::Eight(image) = enhance(frame, enhancement) else { panic!("16 bits") };
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
