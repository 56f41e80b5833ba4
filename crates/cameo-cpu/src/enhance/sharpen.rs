//! An unsharp mask on luma and on alpha that is clamped to the local range, and so makes no halo.
//!
//! Detail is measured against a mean over the subject alone: luma and alpha are blurred together and divided
//! (normalised convolution, Knutsson and Westin 1993), so that the transparent side of an edge has no influence.

use std::array::from_fn;

use multiversion::multiversion;

use cameo_core::codec::Sample;
use cameo_core::pipeline::Sharpening;
use cameo_core::tuning::{LUMA, MIN_ALPHA};

use super::lanes::{LANES, Lanes, lanes_at, max};
use super::local_range::LocalRange;
use super::pack::pack;
use super::resample::snap_opaque;

/// Computes the luma of planes of red, green and blue with rows of `stride` values.
#[multiversion(targets("x86_64+avx2"))]
pub fn luma_row(planes: &[f32], stride: usize, out: &mut [f32]) {
    for (n, out) in out.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        let [r, g, b] = from_fn(|c| lanes_at(&planes[c * stride..], n));
        *out = from_fn(|l| luma(r[l], g[l], b[l]));
    }
}

#[inline(always)]
fn luma(r: f32, g: f32, b: f32) -> f32 {
    r * LUMA[0] + g * LUMA[1] + b * LUMA[2]
}

/// Writes, for each `i`, the sum over `k` of `kernel[k] * source[i + k]`.
#[multiversion(targets("x86_64+avx2"))]
pub fn blur_rows(source: &[f32], kernel: &[f32], out: &mut [f32]) {
    for (n, out) in out.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        let source = &source[n * LANES..][..LANES + kernel.len() - 1];
        let mut sum = [0.0; LANES];
        for (k, &weight) in kernel.iter().enumerate() {
            let values: &[f32; LANES] = source[k..].first_chunk().expect("the row is padded");
            for l in 0..LANES {
                sum[l] += weight * values[l];
            }
        }
        *out = sum;
    }
}

/// Writes the sum over `k` of `kernel[k] * rows[k]`.
#[multiversion(targets("x86_64+avx2"))]
pub fn blur_columns(rows: &[&[f32]], kernel: &[f32], out: &mut [f32]) {
    for (n, out) in out.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        let mut sum = [0.0; LANES];
        for (row, &weight) in rows.iter().zip(kernel) {
            let values = lanes_at(row, n);
            for l in 0..LANES {
                sum[l] += weight * values[l];
            }
        }
        *out = sum;
    }
}

/// Sharpens a row of premultiplied planes and packs it; `blurred` is its blurred luma and alpha.
#[multiversion(targets("x86_64+avx2"))]
pub fn sharpen_soft_row<T: Sample>(
    planes: &[&[f32]; 4],
    blurred: [&[f32]; 2],
    local_range: &LocalRange,
    sharpening: &Sharpening,
    out: &mut [[T; 4]],
) {
    for (n, out) in out.chunks_mut(LANES).enumerate() {
        let [r, g, b, alpha]: [Lanes; 4] = planes.map(|plane| lanes_at(plane, n));
        let [blurred_luma, blurred_alpha] = blurred.map(|plane| lanes_at(plane, n));
        let mut straight = [[0.0; LANES]; 4];
        for l in 0..LANES {
            let inverse = 1.0 / max(alpha[l], 1e-6);
            let mean_alpha = snap_opaque(blurred_alpha[l]);
            let mean_luma = blurred_luma[l] / max(mean_alpha, MIN_ALPHA);
            let detail = luma(r[l], g[l], b[l]) * inverse - mean_luma;
            let gained = if alpha[l] >= MIN_ALPHA { amplify(detail, sharpening) } else { 0.0 };
            straight[0][l] = r[l] * inverse + gained;
            straight[1][l] = g[l] * inverse + gained;
            straight[2][l] = b[l] * inverse + gained;
            straight[3][l] = alpha[l] + sharpening.edge_amount * (alpha[l] - mean_alpha);
        }
        local_range.clamp(n, &mut straight);
        pack(&straight, out);
    }
}

/// Does the same as [`sharpen_soft_row`] where alpha is 1 all around: alpha needs no sharpening there.
#[multiversion(targets("x86_64+avx2"))]
pub fn sharpen_opaque_row<T: Sample>(
    planes: &[&[f32]; 4],
    blurred_luma: &[f32],
    local_range: &LocalRange,
    sharpening: &Sharpening,
    out: &mut [[T; 4]],
) {
    for (n, out) in out.chunks_mut(LANES).enumerate() {
        let [r, g, b, alpha]: [Lanes; 4] = planes.map(|plane| lanes_at(plane, n));
        let mean_luma = lanes_at(blurred_luma, n);
        let mut straight = [r, g, b, alpha];
        for l in 0..LANES {
            let gained = amplify(luma(r[l], g[l], b[l]) - mean_luma[l], sharpening);
            (0..3).for_each(|c| straight[c][l] += gained);
        }
        local_range.clamp_opaque(n, &mut straight);
        pack(&straight, out);
    }
}

/// Returns what is added to each colour for `detail` of luma.
#[inline(always)]
fn amplify(detail: f32, sharpening: &Sharpening) -> f32 {
    (sharpening.amount * max(detail.abs() - sharpening.threshold, 0.0)).copysign(detail)
}
