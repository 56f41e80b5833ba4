//! Premultiplies the photo and resamples it to the size of the result.

use std::ops::Range;

use cameo_core::pipeline::Enhancement;

use super::band::{BAND_PIXEL_BYTES, Band};
use crate::context::GpuContext;
use crate::frame::{FrameRows, GpuFrame};
use crate::kernels::workgroups_2d;
use crate::params::{EnhancePremultiply, EnhanceResampleAcross, EnhanceResampleDown};
use crate::pool::GpuBuffer;
use crate::taps_table::HostTapsTable;

/// Lanczos-3 to the size of the result.
pub struct Resampling {
    /// Taps across and down; `None` if the result has the size of the photo.
    taps: Option<(HostTapsTable, HostTapsTable)>,
    output_width: u32,
}

impl Resampling {
    pub fn new(context: &GpuContext, frame: &GpuFrame, enhancement: &Enhancement) -> Self {
        let Enhancement { width, height, .. } = *enhancement;
        let photo = &frame.photo;
        let resizes = (photo.width, photo.height) != (width, height);
        let taps = resizes.then(|| {
            let across = HostTapsTable::lanczos3(context, photo.width, width);
            (across, HostTapsTable::lanczos3(context, photo.height, height))
        });
        Self { taps, output_width: width }
    }

    /// Records the rows `rows` of the result.
    pub fn record(&self, context: &GpuContext, frame: &GpuFrame, rows: Range<u32>) -> Band {
        let Some((across, down)) = &self.taps else {
            return record_premultiply(context, frame, rows);
        };
        let output_width = self.output_width;
        let source = down.input_range(&rows, frame.photo.height);
        let resampled_rows = self.record_across(context, frame, across, &source);
        let buffer = context.scratch("enhance band", band_bytes(&rows, output_width));
        let params = EnhanceResampleDown {
            output_width,
            rows: rows.len() as u32,
            first_row: rows.start,
            source_rows: source.len() as u32,
            source_first_row: source.start,
            taps: down.table.taps,
        };
        let [first, weights] = down.table.bindings();
        let bindings = [first, weights, resampled_rows.as_entire_buffer_binding(), buffer.as_entire_buffer_binding()];
        let workgroups = workgroups_2d(output_width, rows.len() as u32);
        context.dispatch(&context.kernels.enhance_resample_down, &params, &bindings, workgroups);
        Band { buffer, rows }
    }

    /// Records the rows `source` of the photo at the width of the result, premultiplied.
    fn record_across(
        &self,
        context: &GpuContext,
        frame: &GpuFrame,
        taps: &HostTapsTable,
        source: &Range<u32>,
    ) -> GpuBuffer {
        let output_width = self.output_width;
        let frame_rows = FrameRows::bind(context, frame, source);
        let resampled_rows = context.scratch("enhance rows", band_bytes(source, output_width));
        let params = EnhanceResampleAcross {
            width: frame.photo.width,
            output_width,
            rows: source.len() as u32,
            taps: taps.table.taps,
            photo_offset: frame_rows.photo.offset,
            matte_offset: frame_rows.matte.offset,
            has_matte: frame_rows.has_matte.into(),
        };
        let [first, weights] = taps.table.bindings();
        let [photo, matte] = frame_rows.bindings();
        let bindings = [first, weights, photo, matte, resampled_rows.as_entire_buffer_binding()];
        let workgroups = workgroups_2d(output_width, source.len() as u32);
        context.dispatch(&context.kernels.enhance_resample_across, &params, &bindings, workgroups);
        resampled_rows
    }
}

/// Records the rows `rows` of a result that has the size of the photo.
fn record_premultiply(context: &GpuContext, frame: &GpuFrame, rows: Range<u32>) -> Band {
    let width = frame.photo.width;
    let frame_rows = FrameRows::bind(context, frame, &rows);
    let buffer = context.scratch("enhance band", band_bytes(&rows, width));
    let params = EnhancePremultiply {
        width,
        rows: rows.len() as u32,
        photo_offset: frame_rows.photo.offset,
        matte_offset: frame_rows.matte.offset,
        has_matte: frame_rows.has_matte.into(),
    };
    let [photo, matte] = frame_rows.bindings();
    let bindings = [photo, matte, buffer.as_entire_buffer_binding()];
    let workgroups = workgroups_2d(width, rows.len() as u32);
    context.dispatch(&context.kernels.enhance_premultiply, &params, &bindings, workgroups);
    Band { buffer, rows }
}

fn band_bytes(rows: &Range<u32>, width: u32) -> u64 {
    rows.len() as u64 * u64::from(width) * BAND_PIXEL_BYTES
}
