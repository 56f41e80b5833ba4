//! Edge-preserving noise reduction before strong sharpening. The noise is measured on the device and stays there.

use cameo_core::taps::GaussianTap;
use cameo_core::tuning::{LUMA, MIN_ALPHA, noise};

use crate::context::GpuContext;
use crate::frame::{FrameRows, GpuFrame};
use crate::kernels::{WORKGROUP_2D, workgroups_2d};
use crate::params::{DenoiseCount, DenoiseFilter, DenoiseLevel};
use crate::pool::GpuBuffer;
use crate::row_bands::RowBands;

/// Returns the photo of `frame`, denoised where its alpha is at least [`MIN_ALPHA`], and one f32: the standard
/// deviation of its noise in 0..1, measured where alpha is larger than `alpha_above`.
pub fn denoise(context: &GpuContext, frame: &GpuFrame, alpha_above: f32) -> (RowBands, GpuBuffer) {
    let histogram = record_count(context, frame, alpha_above);
    let noise = record_level(context, &histogram);
    let denoised = record_filter(context, frame, &noise);
    (denoised, noise)
}

/// Records the histogram of the diagonal differences in blocks of 2x2 pixels.
fn record_count(context: &GpuContext, frame: &GpuFrame, alpha_above: f32) -> GpuBuffer {
    let RowBands { width, height, .. } = frame.photo;
    let histogram = context.scratch("noise histogram", (noise::BINS * 4) as u64);
    context.clear(&histogram);
    let (columns, block_rows) = (width / 2, height / 2);
    let max_rows = context.limits.binding_bytes / (u64::from(width) * 8);
    let max_rows = max_rows.clamp(1, u64::from(WORKGROUP_2D) << 12) as u32;
    for first in (0..block_rows).step_by(max_rows as usize) {
        let rows = max_rows.min(block_rows - first);
        let frame_rows = FrameRows::bind(context, frame, &(2 * first..2 * (first + rows)));
        let params = DenoiseCount {
            luma: LUMA,
            columns,
            rows,
            width,
            photo_offset: frame_rows.photo.offset,
            matte_offset: frame_rows.matte.offset,
            has_matte: frame_rows.has_matte.into(),
            alpha_above,
            bins_per_tone: noise::BINS_PER_TONE,
            pad: 0,
        };
        let [photo, matte] = frame_rows.bindings();
        let bindings = [photo, matte, histogram.as_entire_buffer_binding()];
        let workgroups = workgroups_2d(columns.max(1), rows);
        context.dispatch(&context.kernels.denoise_count, &params, &bindings, workgroups);
    }
    histogram
}

/// Records the estimate of the noise from `histogram`.
fn record_level(context: &GpuContext, histogram: &GpuBuffer) -> GpuBuffer {
    let noise = context.scratch("noise", 4);
    let params = DenoiseLevel {
        bins_per_tone: noise::BINS_PER_TONE,
        median: noise::MEDIAN,
        texture: noise::TEXTURE,
        luma_deviation: noise::LUMA_DEVIATION,
    };
    let bindings = [histogram, &noise].map(|buffer| buffer.as_entire_buffer_binding());
    context.dispatch(&context.kernels.denoise_level, &params, &bindings, [1; 3]);
    noise
}

/// Records the bilateral filter.
fn record_filter(context: &GpuContext, frame: &GpuFrame, noise: &GpuBuffer) -> RowBands {
    let RowBands { width, height, .. } = frame.photo;
    let taps = noise::spatial_taps();
    let radius = taps.iter().map(|tap| tap.y.unsigned_abs()).max().unwrap_or(0);
    let table: Vec<[u32; 3]> =
        taps.iter().map(|&GaussianTap { x, y, weight }| [x as u32, y as u32, weight.to_bits()]).collect();
    let table = context.table("denoise_filter taps", &table);
    let denoised = RowBands::scratch(context, "photo", width, height, context.limits.binding_bytes);
    for rows in denoised.chunks(radius, context.limits.binding_bytes) {
        let source = denoised.rows_around(&rows, radius);
        let frame_rows = FrameRows::bind(context, frame, &source);
        let target = denoised.bind_output(context, &rows);
        let params = DenoiseFilter {
            width,
            height,
            rows: rows.len() as u32,
            first_row: rows.start,
            source_first_row: source.start,
            photo_offset: frame_rows.photo.offset,
            matte_offset: frame_rows.matte.offset,
            denoised_offset: target.offset,
            has_matte: frame_rows.has_matte.into(),
            taps: taps.len() as u32,
            min_alpha: MIN_ALPHA,
            range_sigma: noise::range_sigma(),
        };
        let [photo, matte] = frame_rows.bindings();
        let bindings =
            [table.as_entire_buffer_binding(), noise.as_entire_buffer_binding(), photo, matte, target.binding()];
        let workgroups = workgroups_2d(width, rows.len() as u32);
        context.dispatch(&context.kernels.denoise_filter, &params, &bindings, workgroups);
    }
    denoised
}
