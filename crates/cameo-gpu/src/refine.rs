//! The refine stage: brings the matte to the photo's size along the photo's own edges.
//!
//! The fast guided filter (He and Sun 2015): alpha is fitted as a linear function of colour at the matte's size, and
//! the averaged fits are applied to the photo's pixels.

use cameo_core::tuning::{FIT_EPSILON, FIT_RADIUS, FIT_TRUST, HAZE, SOFT_RANGE};

use crate::context::GpuContext;
use crate::frame::{GpuInput, GpuRepairedMatte, InputFormat};
use crate::kernels::workgroups_2d;
use crate::locate::GpuPrior;
use crate::params::{RefineAcross, RefineDown, RefineFit, RefineSmooth};
use crate::pool::GpuBuffer;
use crate::roi_taps::PhotoAxis;
use crate::row_bands::RowBands;
use crate::taps_table::TapsTable;

/// A linear model of alpha around each pixel of the matte.
struct LinearModels {
    /// `[size, size, 4]`: coefficients of red, green and blue and the intercept, times the trust in them.
    coefficients: GpuBuffer,
    /// `[size, size]` in 0..1.
    trust: GpuBuffer,
}

impl LinearModels {
    fn scratch(context: &GpuContext, pixels: u64) -> Self {
        let coefficients = context.scratch("refine coefficients", pixels * 16);
        Self { coefficients, trust: context.scratch("refine trust", pixels * 4) }
    }
}

/// Resamples `matte`, which covers the ROI of `prior`, to the size of `photo`, and multiplies it by the photo's own
/// alpha. Alpha is 0 outside of the ROI.
///
/// `plain_matte` leaves out the guided filter.
pub fn refine(
    context: &GpuContext,
    photo: &RowBands,
    matte: &GpuRepairedMatte,
    prior: &GpuPrior,
    plain_matte: bool,
) -> RowBands {
    let models = match plain_matte {
        // Every binding of a shader must be given, even if it is not read.
        true => LinearModels::scratch(context, 1),
        false => record_fit(context, matte),
    };
    record_resampling(context, photo, matte, prior, &models, plain_matte)
}

/// Records the fit around each pixel, and the average of the fits over the same neighbourhood.
fn record_fit(context: &GpuContext, matte: &GpuRepairedMatte) -> LinearModels {
    let GpuInput { map, format: InputFormat { size, mean, std, .. }, .. } = &matte.input;
    let (size, pixels) = (*size, u64::from(*size) * u64::from(*size));
    let (fitted, smooth) = (LinearModels::scratch(context, pixels), LinearModels::scratch(context, pixels));
    let params = RefineFit {
        mean: *mean,
        size,
        std_dev: *std,
        radius: FIT_RADIUS,
        trust_range: FIT_TRUST,
        epsilon: FIT_EPSILON,
        pad: 0,
    };
    let [matte, coefficients, trust] =
        [&matte.matte, &fitted.coefficients, &fitted.trust].map(|buffer| buffer.as_entire_buffer_binding());
    let bindings = [matte, map.binding(), coefficients, trust];
    context.dispatch(&context.kernels.refine_fit, &params, &bindings, workgroups_2d(size, size));
    let params = RefineSmooth { size, radius: FIT_RADIUS };
    let bindings = [&fitted.coefficients, &fitted.trust, &smooth.coefficients, &smooth.trust]
        .map(|buffer| buffer.as_entire_buffer_binding());
    context.dispatch(&context.kernels.refine_smooth, &params, &bindings, workgroups_2d(size, size));
    smooth
}

/// Records the resampling of the matte to the photo's size, with `models` applied where it is soft.
fn record_resampling(
    context: &GpuContext,
    photo: &RowBands,
    matte: &GpuRepairedMatte,
    prior: &GpuPrior,
    models: &LinearModels,
    plain_matte: bool,
) -> RowBands {
    let (width, height, size) = (photo.width, photo.height, matte.input.format.size);
    let columns = PhotoAxis { horizontal: true, length: width }.taps_onto_roi(context, &prior.roi, size);
    let rows = PhotoAxis { horizontal: false, length: height }.taps_onto_roi(context, &prior.roi, size);
    let resampled_rows = record_across(context, &matte.matte, &columns, size, width);
    let refined = RowBands::scratch(context, "matte", width, height, context.limits.binding_bytes);
    for band in refined.bands() {
        let source = photo.bind(context, &band);
        let target = refined.bind_output(context, &band);
        let params = RefineDown {
            soft_range: SOFT_RANGE,
            haze: HAZE,
            size,
            width,
            rows: band.len() as u32,
            first_row: band.start,
            taps: rows.taps,
            photo_offset: source.offset,
            refined_offset: target.offset,
            plain_matte: plain_matte.into(),
            pad: 0,
        };
        let [first, weights] = rows.bindings();
        let [roi, resampled, coefficients, trust] = [&prior.roi, &resampled_rows, &models.coefficients, &models.trust]
            .map(|buffer| buffer.as_entire_buffer_binding());
        let bindings = [roi, first, weights, resampled, source.binding(), coefficients, trust, target.binding()];
        let workgroups = workgroups_2d(width, band.len() as u32);
        context.dispatch(&context.kernels.refine_down, &params, &bindings, workgroups);
    }
    refined
}

/// Records the resampling of the rows of `matte` to `width` columns, and returns them.
fn record_across(context: &GpuContext, matte: &GpuBuffer, taps: &TapsTable, size: u32, width: u32) -> GpuBuffer {
    let resampled_rows = context.scratch("refine rows", u64::from(size) * u64::from(width) * 4);
    let params = RefineAcross { size, width, taps: taps.taps };
    let [first, weights] = taps.bindings();
    let bindings = [first, weights, matte.as_entire_buffer_binding(), resampled_rows.as_entire_buffer_binding()];
    context.dispatch(&context.kernels.refine_across, &params, &bindings, workgroups_2d(width, size));
    resampled_rows
}
