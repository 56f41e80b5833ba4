//! Matte and prior at the resolution of the prior, on which the repair is decided.

use cameo_core::tuning::{self, LOW_RES_SIDE, Roi};

use crate::context::GpuContext;
use crate::kernels::workgroups_2d;
use crate::locate::GpuPrior;
use crate::network::GpuFeatureMap;
use crate::params::RepairDownsample;
use crate::pool::GpuBuffer;
use crate::taps_table::TapsTable;

/// Matte and prior over the ROI, at the same low resolution.
pub struct LowRes {
    /// `[LOW_RES_SIDE, LOW_RES_SIDE, 4]`: matte, person confidence, core, coarse matte.
    pub planes: GpuBuffer,
    /// Three planes: masks of what is not solid, of what is outside, and of the subject, to be labelled.
    pub labels: GpuBuffer,
}

impl LowRes {
    /// Records the downsampling of the stretched matte, beside the prior over the same pixels.
    pub fn record(
        context: &GpuContext,
        matte: &GpuFeatureMap,
        extrema: &GpuBuffer,
        prior: &GpuPrior,
        area_taps: &TapsTable,
    ) -> Self {
        let side = LOW_RES_SIDE as u32;
        let planes = scratch_plane(context, "repair low_res", 16);
        let labels = scratch_plane(context, "repair labels", 3 * 4);
        let Roi { left, top, width, height } = prior.view.scene;
        let params = RepairDownsample {
            left,
            top,
            width,
            height,
            side,
            size: matte.side(),
            taps: area_taps.taps,
            min_range: tuning::MIN_RANGE,
            subject_alpha: tuning::SUBJECT_ALPHA,
            max_outside: tuning::MAX_OUTSIDE_ALPHA,
        };
        let [first, weights] = area_taps.bindings();
        let [roi, extrema, prior, low_res, masks] =
            [&prior.roi, extrema, &prior.planes, &planes, &labels].map(|buffer| buffer.as_entire_buffer_binding());
        let bindings = [roi, first, weights, extrema, matte.binding(), prior, low_res, masks];
        context.dispatch(&context.kernels.repair_downsample, &params, &bindings, workgroups_2d(side, side));
        Self { planes, labels }
    }
}

/// Returns a buffer of [`LOW_RES_SIDE`]x[`LOW_RES_SIDE`] pixels.
pub fn scratch_plane(context: &GpuContext, label: &str, bytes_per_pixel: usize) -> GpuBuffer {
    context.scratch(label, (LOW_RES_SIDE * LOW_RES_SIDE * bytes_per_pixel) as u64)
}
