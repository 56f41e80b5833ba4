//! Sharpens bands with an unsharp mask and packs them.

use cameo_core::pipeline::{Enhancement, Sharpening};
use cameo_core::taps;
use cameo_core::tuning::MIN_ALPHA;

use super::band::{Band, PictureRows};
use super::local_range::record_local_range;
use crate::context::GpuContext;
use crate::frame::GpuFrame;
use crate::kernels::workgroups_2d;
use crate::params::{EnhanceSharpenAcross, EnhanceSharpenDown};
use crate::pool::GpuBuffer;

/// The unsharp mask for one result.
pub struct GpuUnsharpMask {
    /// Radius of the blur in pixels of the result.
    pub radius: u32,
    sharpening: Sharpening,
    weights: GpuBuffer,
    /// The standard deviation of the noise that was removed, one f32.
    noise: GpuBuffer,
    width: u32,
    height: u32,
}

impl GpuUnsharpMask {
    pub fn new(context: &GpuContext, sharpening: Sharpening, noise: GpuBuffer, enhancement: &Enhancement) -> Self {
        let weights = taps::gaussian(sharpening.sigma);
        let radius = weights.len() as u32 / 2;
        let weights = context.table("sharpen weights", &weights);
        let Enhancement { width, height, .. } = *enhancement;
        Self { radius, sharpening, weights, noise, width, height }
    }

    /// Records the sharpening and packing of the rows of `band` that `target` takes.
    pub fn record(&self, context: &GpuContext, frame: &GpuFrame, band: &Band, target: &PictureRows) {
        let blurred = self.record_across(context, band);
        let (rows, photo_height) = (&target.rows, frame.photo.height);
        let photo_row = |row: u32| (2 * row + 1) * photo_height / (2 * self.height);
        let range_rows = photo_row(rows.start)..photo_row(rows.end - 1) + 1;
        let local_range = record_local_range(context, frame, &range_rows);
        let params = EnhanceSharpenDown {
            width: self.width,
            rows: rows.len() as u32,
            first_row: rows.start - band.rows.start,
            output_row: rows.start,
            band_rows: band.rows.len() as u32,
            radius: self.radius,
            amount: self.sharpening.amount,
            edge_amount: self.sharpening.edge_amount,
            threshold: self.sharpening.threshold,
            min_alpha: MIN_ALPHA,
            output_height: self.height,
            photo_width: frame.photo.width,
            photo_height,
            range_first_row: range_rows.start,
            picture_offset: target.binding.offset,
            words_per_pixel: target.words_per_pixel,
        };
        let [weights, band, blurred, local_range, noise] =
            [&self.weights, &band.buffer, &blurred, &local_range, &self.noise]
                .map(|buffer| buffer.as_entire_buffer_binding());
        let bindings = [weights, band, blurred, local_range, noise, target.binding.binding()];
        let workgroups = workgroups_2d(self.width, rows.len() as u32);
        context.dispatch(&context.kernels.enhance_sharpen_down, &params, &bindings, workgroups);
    }

    /// Records the blur of luma and alpha along the rows of `band`.
    fn record_across(&self, context: &GpuContext, band: &Band) -> GpuBuffer {
        let (width, rows) = (self.width, band.rows.len() as u32);
        let blurred = context.scratch("sharpen blurred", u64::from(width) * u64::from(rows) * 8);
        let params = EnhanceSharpenAcross { width, rows, radius: self.radius };
        let bindings = [&self.weights, &band.buffer, &blurred].map(|buffer| buffer.as_entire_buffer_binding());
        let workgroups = workgroups_2d(width, rows);
        context.dispatch(&context.kernels.enhance_sharpen_across, &params, &bindings, workgroups);
        blurred
    }
}
