//! Rows of numbers, walked in step: the inner loops of enhancement.
//!
//! Written over plain arrays of lanes, which the compiler turns into whatever vectors the processor has. Sums are
//! rounded after each step and so are the same on all processors, and however a picture is divided.

#![allow(clippy::needless_range_loop, reason = "lanes are walked in step over several arrays: so they become vectors")]

use std::array::from_fn;

use multiversion::multiversion;

use crate::rules::LUMA;

/// Values side by side: the lanes of one or several of the processor's vectors. Planes are padded to multiples of it.
pub const LANES: usize = 16;

pub type Lanes = [f32; LANES];

/// Taps of Lanczos-3 when enlarging, at most.
pub const TAPS: usize = 6;

/// Alpha as near to 1 as this is 1 with a rounding error: less than half of a 16-bit step.
const NEARLY: f32 = 1.0 - 4e-6;

/// A tone of 255 in 0..1.
pub const TONE: f32 = 1.0 / 255.0;

#[inline(always)]
pub fn smaller(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

#[inline(always)]
pub fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// `value` within 0..1.
#[inline(always)]
pub fn unit(value: f32) -> f32 {
    smaller(larger(value, 0.0), 1.0)
}

/// `alpha`, and 1 where only rounding keeps it from that.
#[inline(always)]
pub fn snapped(alpha: f32) -> f32 {
    if alpha > NEARLY { 1.0 } else { alpha }
}

/// The `n`th lanes of a padded plane.
#[inline(always)]
pub fn lanes(plane: &[f32], n: usize) -> Lanes {
    plane.as_chunks().0[n]
}

/// What alpha is all along a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cover {
    /// 0.
    #[default]
    Clear,
    /// 1.
    Full,
    Soft,
}

impl Cover {
    pub fn of(clear: bool, full: bool) -> Self {
        match (clear, full) {
            (true, _) => Cover::Clear,
            (_, true) => Cover::Full,
            _ => Cover::Soft,
        }
    }

    pub fn and(self, other: Self) -> Self {
        if self == other { self } else { Cover::Soft }
    }
}

/// The cover of a row of `pixels`, or of its matte if it has one.
#[multiversion(targets("x86_64+avx2"))]
pub fn cover(pixels: &[[u8; 4]], matte: Option<&[f32]>) -> Cover {
    match matte {
        Some(matte) => {
            let (clear, full) = matte
                .iter()
                .fold((true, true), |(clear, full), &alpha| (clear & (alpha == 0.0), full & (alpha == 1.0)));
            Cover::of(clear, full)
        }
        None => {
            let (any, all) = pixels.iter().fold((0, 255), |(any, all), pixel| (any | pixel[3], all & pixel[3]));
            Cover::of(any == 0, all == 255)
        }
    }
}

/// Colours times the matte, or times their own alpha if there is none, and that alpha; in 0..1.
#[multiversion(targets("x86_64+avx2"))]
pub fn premultiply(pixels: &[[u8; 4]], matte: Option<&[f32]>, out: &mut [[f32; 4]]) {
    let scaled = |[r, g, b, _]: [u8; 4], alpha: f32| {
        [r as f32 * TONE * alpha, g as f32 * TONE * alpha, b as f32 * TONE * alpha, alpha]
    };
    match matte {
        Some(matte) => {
            for (out, (&pixel, &alpha)) in out.iter_mut().zip(pixels.iter().zip(matte)) {
                *out = scaled(pixel, alpha);
            }
        }
        None => {
            for (out, &pixel) in out.iter_mut().zip(pixels) {
                *out = scaled(pixel, pixel[3] as f32 * TONE);
            }
        }
    }
}

/// Resamples a row into four planes of `stride`: sample `i` is the sum of `weights[i][k] * source[first[i] - skip + k]`.
#[multiversion(targets("x86_64+avx2"))]
pub fn across(
    source: &[[f32; 4]],
    first: &[u32],
    weights: &[[f32; TAPS]],
    skip: usize,
    planes: &mut [f32],
    stride: usize,
) {
    const GROUP: usize = 8;
    let groups = first.as_chunks::<GROUP>().0.iter().zip(weights.as_chunks::<GROUP>().0);
    for (n, (first, weights)) in groups.enumerate() {
        let mut made = [[0.0; 4]; GROUP];
        for i in 0..GROUP {
            let from: &[[f32; 4]; TAPS] = source[first[i] as usize - skip..].first_chunk().expect("the row is padded");
            for k in 0..TAPS {
                for c in 0..4 {
                    made[i][c] += weights[i][k] * from[k][c];
                }
            }
        }
        for c in 0..4 {
            let lane: [f32; GROUP] = from_fn(|i| unit(made[i][c]));
            planes[c * stride + n * GROUP..][..GROUP].copy_from_slice(&lane);
        }
    }
}

/// The sum of `weights[k] * rows[k]`, within 0..1.
#[multiversion(targets("x86_64+avx2"))]
pub fn down(rows: &[&[f32]; TAPS], weights: &[f32; TAPS], out: &mut [f32]) {
    let out = out.as_chunks_mut::<LANES>().0;
    let rows: [&[Lanes]; TAPS] = rows.map(|row| &row.as_chunks().0[..out.len()]);
    for (n, out) in out.iter_mut().enumerate() {
        let mut sum = [0.0; LANES];
        for k in 0..TAPS {
            for l in 0..LANES {
                sum[l] += weights[k] * rows[k][n][l];
            }
        }
        *out = sum.map(unit);
    }
}

/// Alpha without what rounding keeps from 1.
#[multiversion(targets("x86_64+avx2"))]
pub fn snap(alpha: &mut [f32]) {
    alpha.iter_mut().for_each(|alpha| *alpha = snapped(*alpha));
}

/// The luma of planes of `stride`.
#[multiversion(targets("x86_64+avx2"))]
pub fn luma(planes: &[f32], stride: usize, out: &mut [f32]) {
    for (n, out) in out.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        let [r, g, b] = from_fn(|c| lanes(&planes[c * stride..], n));
        *out = from_fn(|l| luma_of(r[l], g[l], b[l]));
    }
}

#[inline(always)]
pub fn luma_of(r: f32, g: f32, b: f32) -> f32 {
    r * LUMA[0] + g * LUMA[1] + b * LUMA[2]
}

/// The sum of `weights[k] * source[i + k]` for each `i`.
#[multiversion(targets("x86_64+avx2"))]
pub fn blur_across(source: &[f32], weights: &[f32], out: &mut [f32]) {
    for (n, out) in out.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        let source = &source[n * LANES..][..LANES + weights.len() - 1];
        let mut sum = [0.0; LANES];
        for (k, &weight) in weights.iter().enumerate() {
            let values: &[f32; LANES] = source[k..].first_chunk().expect("the row is padded");
            for l in 0..LANES {
                sum[l] += weight * values[l];
            }
        }
        *out = sum;
    }
}

/// The sum of `weights[k] * rows[k]`.
#[multiversion(targets("x86_64+avx2"))]
pub fn blur_down(rows: &[&[f32]], weights: &[f32], out: &mut [f32]) {
    for (n, out) in out.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        let mut sum = [0.0; LANES];
        for (row, &weight) in rows.iter().zip(weights) {
            let values = lanes(row, n);
            for l in 0..LANES {
                sum[l] += weight * values[l];
            }
        }
        *out = sum;
    }
}
