//! The prepare stage: the ROI of the photo at a network's input size, normalised.

use cameo_core::view::Rotation;

use crate::context::GpuContext;
use crate::frame::{GpuInput, InputFormat};
use crate::kernels::workgroups_2d;
use crate::network::GpuFeatureMap;
use crate::params::{PrepareAcross, PrepareDown};
use crate::pool::GpuBuffer;
use crate::roi_taps::PhotoAxis;
use crate::row_bands::RowBands;
use crate::taps_table::TapsTable;

/// Resizes `roi` of `photo` to the size of `format` and normalises its colours.
///
/// Antialiased Lanczos-3, rounded to 8 bits after each of its two passes, as the photos that the networks were trained
/// on were resized. The photo's alpha is not used here: the refine stage multiplies the matte by it.
pub fn prepare(context: &GpuContext, photo: &RowBands, roi: &GpuBuffer, format: InputFormat) -> GpuInput {
    let InputFormat { size, mean, std, mirrored } = format;
    let width = photo.width;
    let rows = PhotoAxis { horizontal: false, length: photo.height }.taps_from_roi(context, roi, size);
    let columns = PhotoAxis { horizontal: true, length: width }.taps_from_roi(context, roi, size);
    let resampled_columns = record_down(context, photo, &rows, size);
    let map = GpuFeatureMap::scratch(context, "network input", 3, [size, size]);
    let params = PrepareAcross {
        mean,
        size,
        std_dev: std,
        width,
        taps: columns.taps,
        mirrored: mirrored.into(),
        ..Default::default()
    };
    let [first, weights] = columns.bindings();
    let bindings = [first, weights, resampled_columns.as_entire_buffer_binding(), map.binding()];
    context.dispatch(&context.kernels.prepare_across, &params, &bindings, workgroups_2d(size, size));
    GpuInput { map, format, rotation: Rotation::None }
}

/// Records the resampling of the columns of `photo` to `size` rows, and returns them: packed RGBA8.
fn record_down(context: &GpuContext, photo: &RowBands, taps: &TapsTable, size: u32) -> GpuBuffer {
    let RowBands { width, height, .. } = *photo;
    let resampled_columns = context.scratch("prepare columns", u64::from(width) * u64::from(size) * 4);
    // Only the device knows where the ROI lies. Each chunk of the photo therefore computes the outputs whose middle tap
    // it contains, and is bound with as many rows around it as taps can reach.
    let max_rows = (context.limits.binding_bytes / (u64::from(width) * 4)).min(height.into()) as u32;
    let chunk_rows = if max_rows >= height { height } else { max_rows.saturating_sub(2 * taps.taps).max(1) };
    for first in (0..height).step_by(chunk_rows as usize) {
        let end = first + chunk_rows;
        let source = first.saturating_sub(taps.taps)..(end + taps.taps).min(height);
        let rows = photo.bind(context, &source);
        let params = PrepareDown {
            width,
            size,
            taps: taps.taps,
            source_rows: source.len() as u32,
            source_first_row: source.start,
            photo_offset: rows.offset,
            centre_first_row: first,
            // The middle tap of the last outputs may lie past the end.
            centre_end_row: if end >= height { u32::MAX } else { end },
        };
        let [first, weights] = taps.bindings();
        let bindings = [first, weights, rows.binding(), resampled_columns.as_entire_buffer_binding()];
        context.dispatch(&context.kernels.prepare_down, &params, &bindings, workgroups_2d(width, size));
    }
    resampled_columns
}
