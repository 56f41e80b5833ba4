//! The decontaminate stage: gives soft edges the subject's own colours instead of a mixture with the background.
//!
//! Blur fusion (Forte 2021) from the coarsest level of a pyramid to the photo itself.

use std::ops::Range;

use cameo_core::tuning::{FUSION_MIN_ALPHA, FUSION_RADIUS, pyramid_levels};

use crate::context::GpuContext;
use crate::kernels::{WORKGROUP_1D, workgroups_2d};
use crate::params::{DecontaminateAlpha, DecontaminateDownsample, DecontaminateFuse};
use crate::pool::GpuBuffer;
use crate::row_bands::RowBands;

/// A level of the pyramid: photo and alpha at half the size of the level before.
struct Level {
    colors: RowBands,
    alpha: RowBands,
}

/// Foreground and background colour of each pixel of a level, packed.
struct ColorPairs {
    buffer: GpuBuffer,
    width: u32,
}

/// Returns `photo` with the colours of the foreground where alpha is soft, and up to `spread` pixels outside.
///
/// Alpha is that of `matte`, or the photo's own without one. The photo's own alpha is kept.
pub fn decontaminate(context: &GpuContext, photo: &RowBands, matte: Option<&RowBands>, spread: u32) -> RowBands {
    let photo_alpha;
    let alpha = match matte {
        Some(matte) => matte,
        None => {
            photo_alpha = record_photo_alpha(context, photo);
            &photo_alpha
        }
    };
    let mut levels: Vec<Level> = Vec::new();
    for _ in 0..pyramid_levels(photo.width, photo.height) {
        let (colors, alpha) = levels.last().map_or((photo, alpha), |level| (&level.colors, &level.alpha));
        let level = record_downsample(context, colors, alpha);
        levels.push(level);
    }
    let mut coarser: Option<ColorPairs> = None;
    for (i, level) in levels.iter().enumerate().rev() {
        let (width, height) = (level.colors.width, level.colors.height);
        let buffer = context.scratch("decontaminate pairs", u64::from(width) * u64::from(height) * 8);
        let spread = spread.div_ceil(2 << i);
        let fusion = Fusion { colors: &level.colors, alpha: &level.alpha, coarser: coarser.as_ref(), spread };
        fusion.record(context, &(0..height), buffer.as_entire_buffer_binding(), None);
        coarser = Some(ColorPairs { buffer, width });
    }
    let fusion = Fusion { colors: photo, alpha, coarser: coarser.as_ref(), spread };
    let fused = RowBands::scratch(context, "photo", photo.width, photo.height, context.limits.binding_bytes);
    for rows in fused.chunks(FUSION_RADIUS as u32, context.limits.binding_bytes) {
        let target = fused.bind_output(context, &rows);
        fusion.record(context, &rows, target.binding(), Some(target.offset));
    }
    fused
}

/// Workgroups that share the pixels of a band.
const ALPHA_WORKGROUPS: u32 = 1024;

/// Records the copy of the photo's own alpha into a matte.
fn record_photo_alpha(context: &GpuContext, photo: &RowBands) -> RowBands {
    let matte = RowBands::scratch(context, "matte", photo.width, photo.height, context.limits.binding_bytes);
    for rows in matte.bands() {
        let source = photo.bind(context, &rows);
        let target = matte.bind_output(context, &rows);
        let params = DecontaminateAlpha {
            count: rows.len() as u32 * matte.width,
            stride: ALPHA_WORKGROUPS * WORKGROUP_1D,
            photo_offset: source.offset,
            matte_offset: target.offset,
        };
        let bindings = [source.binding(), target.binding()];
        let kernel = &context.kernels.decontaminate_alpha;
        context.dispatch(kernel, &params, &bindings, [ALPHA_WORKGROUPS, 1, 1]);
    }
    matte
}

/// Records the next level of the pyramid.
fn record_downsample(context: &GpuContext, colors: &RowBands, alpha: &RowBands) -> Level {
    let (width, height) = (colors.width, colors.height);
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    let single_band = |label| RowBands::scratch(context, label, half_width, half_height, u64::MAX);
    let level = Level { colors: single_band("half colors"), alpha: single_band("half alpha") };
    let half_colors = level.colors.bind_output(context, &(0..half_height));
    let half_alpha = level.alpha.bind_output(context, &(0..half_height));
    // Two rows of the finer level give one row of this one.
    let max_rows = (context.limits.binding_bytes / (u64::from(width) * 8)).clamp(1, height.into()) as u32;
    for first_row in (0..half_height).step_by(max_rows as usize) {
        let rows = first_row..(first_row + max_rows).min(half_height);
        let source = 2 * rows.start..(2 * rows.end).min(height);
        let (colors, alpha) = (colors.bind(context, &source), alpha.bind(context, &source));
        let params = DecontaminateDownsample {
            width,
            height,
            half_width,
            rows: rows.len() as u32,
            first_row,
            source_first_row: source.start,
            colors_offset: colors.offset,
            alpha_offset: alpha.offset,
        };
        let bindings = [&colors, &alpha, &half_colors, &half_alpha].map(|rows| rows.binding());
        let workgroups = workgroups_2d(half_width, rows.len() as u32);
        context.dispatch(&context.kernels.decontaminate_downsample, &params, &bindings, workgroups);
    }
    level
}

/// Blur fusion at one level.
struct Fusion<'a> {
    colors: &'a RowBands,
    alpha: &'a RowBands,
    coarser: Option<&'a ColorPairs>,
    /// Pixels outside of the subject that get colours, at this level.
    spread: u32,
}

impl Fusion<'_> {
    /// Records the fusion of `rows` into `fused`: at the finest level the photo, from the word `photo_offset` on, at
    /// the others pairs of foreground and background.
    fn record(
        &self,
        context: &GpuContext,
        rows: &Range<u32>,
        fused: wgpu::BufferBinding<'_>,
        photo_offset: Option<u32>,
    ) {
        let RowBands { width, height, .. } = *self.colors;
        let radius = FUSION_RADIUS as u32;
        let source = self.colors.rows_around(rows, radius);
        let colors = self.colors.bind(context, &source);
        let alpha = self.alpha.bind(context, &source);
        let params = DecontaminateFuse {
            width,
            height,
            rows: rows.len() as u32,
            first_row: rows.start,
            source_first_row: source.start,
            colors_offset: colors.offset,
            alpha_offset: alpha.offset,
            fused_offset: photo_offset.unwrap_or(0),
            coarser_width: self.coarser.map_or(0, |pairs| pairs.width),
            radius,
            spread: self.spread,
            finest: photo_offset.is_some().into(),
            min_alpha: FUSION_MIN_ALPHA,
        };
        // Every binding of a shader must be given, even if it is not read.
        let unused = context.scratch("unused pairs", 8);
        let coarser = self.coarser.map_or(&unused, |pairs| &pairs.buffer).as_entire_buffer_binding();
        let bindings = [colors.binding(), alpha.binding(), coarser, fused];
        let workgroups = workgroups_2d(width, rows.len() as u32);
        context.dispatch(&context.kernels.decontaminate_fuse, &params, &bindings, workgroups);
    }
}
