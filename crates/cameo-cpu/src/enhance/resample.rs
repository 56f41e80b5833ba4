//! Lanczos-3 on premultiplied colour: the rows of the photo first, then their columns.

use std::array::from_fn;

use multiversion::multiversion;

use cameo_core::taps;

use super::lanes::{INV_255, LANES, Lanes, clamp_unit};

/// The maximum number of taps of Lanczos-3 when enlarging.
pub const TAPS: usize = 6;

/// Lanczos-3 along one axis: sample `i` of the result is the sum over `k` of `weights[i][k]` times sample
/// `first[i] + k` of the photo.
///
/// The last entry is repeated [`LANES`] times, so that the tables can be read in whole lanes.
pub struct AxisTaps {
    pub first: Vec<u32>,
    pub weights: Vec<[f32; TAPS]>,
    photo_length: usize,
    result_length: usize,
}

impl AxisTaps {
    /// Returns the taps from `photo_length` to `result_length` samples, which are no fewer.
    pub fn new(photo_length: usize, result_length: usize) -> Self {
        let (mut first, mut weights): (Vec<u32>, Vec<[f32; TAPS]>) = if photo_length == result_length {
            let mut identity = [0.0; TAPS];
            identity[0] = 1.0;
            ((0..result_length as u32).collect(), vec![identity; result_length])
        } else {
            let taps = taps::lanczos3(photo_length, result_length);
            let padded = |row: &[f32]| from_fn(|k| row.get(k).copied().unwrap_or(0.0));
            (taps.first, taps.weights.chunks_exact(taps.width).map(padded).collect())
        };
        first.extend([first[result_length - 1]; LANES]);
        weights.extend([weights[result_length - 1]; LANES]);
        Self { first, weights, photo_length, result_length }
    }

    /// Returns the sample of the photo in which the centre of sample `i` of the result lies.
    pub fn nearest(&self, i: usize) -> usize {
        (2 * i + 1) * self.photo_length / (2 * self.result_length)
    }
}

/// Alpha above this is 1 but for rounding: its distance from 1 is less than half a 16-bit step.
const NEARLY_OPAQUE: f32 = 1.0 - 4e-6;

/// Returns 1 for an alpha that only rounding keeps below 1.
#[inline(always)]
pub fn snap_opaque(alpha: f32) -> f32 {
    if alpha > NEARLY_OPAQUE { 1.0 } else { alpha }
}

/// Applies [`snap_opaque`] to a row.
#[multiversion(targets("x86_64+avx2"))]
pub fn snap_opaque_row(alpha: &mut [f32]) {
    alpha.iter_mut().for_each(|alpha| *alpha = snap_opaque(*alpha));
}

/// Multiplies the colours of straight `pixels` by their alpha, which `matte` replaces if there is one; in 0..1.
#[multiversion(targets("x86_64+avx2"))]
pub fn premultiply(pixels: &[[u8; 4]], matte: Option<&[f32]>, out: &mut [[f32; 4]]) {
    let scaled = |[r, g, b, _]: [u8; 4], alpha: f32| {
        [r as f32 * INV_255 * alpha, g as f32 * INV_255 * alpha, b as f32 * INV_255 * alpha, alpha]
    };
    match matte {
        Some(matte) => {
            for (out, (&pixel, &alpha)) in out.iter_mut().zip(pixels.iter().zip(matte)) {
                *out = scaled(pixel, alpha);
            }
        }
        None => {
            for (out, &pixel) in out.iter_mut().zip(pixels) {
                *out = scaled(pixel, pixel[3] as f32 * INV_255);
            }
        }
    }
}

/// Resamples a row of premultiplied pixels into four planes with rows of `stride` values, clamped to 0..1.
///
/// `first` and `weights` are a part of [`AxisTaps`]; `source` begins at pixel `source_start` of the photo's row.
#[multiversion(targets("x86_64+avx2"))]
pub fn resample_rows(
    source: &[[f32; 4]],
    first: &[u32],
    weights: &[[f32; TAPS]],
    source_start: usize,
    planes: &mut [f32],
    stride: usize,
) {
    const GROUP: usize = 8;
    let groups = first.as_chunks::<GROUP>().0.iter().zip(weights.as_chunks::<GROUP>().0);
    for (n, (first, weights)) in groups.enumerate() {
        let mut sums = [[0.0; 4]; GROUP];
        for i in 0..GROUP {
            let pixels: &[[f32; 4]; TAPS] =
                source[first[i] as usize - source_start..].first_chunk().expect("the row is padded");
            for k in 0..TAPS {
                for c in 0..4 {
                    sums[i][c] += weights[i][k] * pixels[k][c];
                }
            }
        }
        for c in 0..4 {
            let lane: [f32; GROUP] = from_fn(|i| clamp_unit(sums[i][c]));
            planes[c * stride + n * GROUP..][..GROUP].copy_from_slice(&lane);
        }
    }
}

/// Writes the sum over `k` of `weights[k] * rows[k]`, clamped to 0..1.
#[multiversion(targets("x86_64+avx2"))]
pub fn resample_columns(rows: &[&[f32]; TAPS], weights: &[f32; TAPS], out: &mut [f32]) {
    let out = out.as_chunks_mut::<LANES>().0;
    let rows: [&[Lanes]; TAPS] = rows.map(|row| &row.as_chunks().0[..out.len()]);
    for (n, out) in out.iter_mut().enumerate() {
        let mut sum = [0.0; LANES];
        for k in 0..TAPS {
            for l in 0..LANES {
                sum[l] += weights[k] * rows[k][n][l];
            }
        }
        *out = sum.map(clamp_unit);
    }
}
