//! The range of colours and alpha around each pixel of the photo, which bounds the sharpened result.

use std::ops::Range;

use cameo_core::tuning::MIN_ALPHA;

use crate::context::GpuContext;
use crate::frame::{FrameRows, GpuFrame};
use crate::kernels::workgroups_2d;
use crate::params::EnhanceLocalRange;
use crate::pool::GpuBuffer;
use crate::row_bands::RowBands;

/// Bytes of the local range of a pixel.
pub const RANGE_PIXEL_BYTES: u64 = 48;

/// Records the range over 3x3 pixels around each pixel of the rows `rows` of the photo, and returns the buffer:
/// `[rows, width, 3]` ranges of 16 bytes.
pub fn record_local_range(context: &GpuContext, frame: &GpuFrame, rows: &Range<u32>) -> GpuBuffer {
    let RowBands { width, height, .. } = frame.photo;
    let source = rows.start.saturating_sub(1)..(rows.end + 1).min(height);
    let frame_rows = FrameRows::bind(context, frame, &source);
    let local_range = context.scratch("local range", rows.len() as u64 * u64::from(width) * RANGE_PIXEL_BYTES);
    let params = EnhanceLocalRange {
        width,
        rows: rows.len() as u32,
        first_row: rows.start - source.start,
        source_rows: source.len() as u32,
        photo_offset: frame_rows.photo.offset,
        matte_offset: frame_rows.matte.offset,
        has_matte: frame_rows.has_matte.into(),
        min_alpha: MIN_ALPHA,
    };
    let [photo, matte] = frame_rows.bindings();
    let bindings = [photo, matte, local_range.as_entire_buffer_binding()];
    let workgroups = workgroups_2d(width, rows.len() as u32);
    context.dispatch(&context.kernels.enhance_local_range, &params, &bindings, workgroups);
    local_range
}
