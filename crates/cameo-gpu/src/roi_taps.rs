//! Lanczos-3 taps between the ROI and the square input of a network, computed on the device: the host never learns
//! where the ROI lies.

use cameo_core::taps;
use cameo_core::tuning::MAX_ZOOM;

use crate::context::GpuContext;
use crate::kernels::workgroups_1d;
use crate::params::RoiTaps;
use crate::pool::GpuBuffer;
use crate::taps_table::TapsTable;

/// One axis of the photo.
#[derive(Debug, Clone, Copy)]
pub struct PhotoAxis {
    /// Whether this is the horizontal axis.
    pub horizontal: bool,
    /// Pixels of the photo along it.
    pub length: u32,
}

impl PhotoAxis {
    /// Records the computation of taps from `roi` to `size` samples.
    pub fn taps_from_roi(self, context: &GpuContext, roi: &GpuBuffer, size: u32) -> TapsTable {
        let taps = taps::lanczos_width(f64::from(self.length) / f64::from(size)) as u32;
        self.record(context, roi, RoiTaps { from_roi: 1, size, taps, ..self.params() })
    }

    /// Records the computation of taps from `size` samples onto `roi`, with one output for each pixel of the photo
    /// along this axis. The weights of outputs outside of the ROI are 0.
    pub fn taps_onto_roi(self, context: &GpuContext, roi: &GpuBuffer, size: u32) -> TapsTable {
        // The smallest ROI needs the most taps.
        let max_scale = (f64::from(size) / f64::from(self.length)).max(MAX_ZOOM.into());
        let taps = taps::lanczos_width(max_scale) as u32;
        self.record(context, roi, RoiTaps { from_roi: 0, size, taps, ..self.params() })
    }

    fn params(self) -> RoiTaps {
        RoiTaps {
            across: self.horizontal.into(),
            photo_length: self.length,
            steps: taps::LANCZOS_STEPS,
            radius: taps::LANCZOS_RADIUS as f32,
            ..Default::default()
        }
    }

    fn record(self, context: &GpuContext, roi: &GpuBuffer, params: RoiTaps) -> TapsTable {
        let outputs = if params.from_roi == 1 { params.size } else { self.length };
        let first = context.scratch("roi_taps first", u64::from(outputs) * 4);
        let weights = context.scratch("roi_taps weights", u64::from(outputs) * u64::from(params.taps) * 4);
        let bindings = [roi, &context.lanczos, &first, &weights].map(|buffer| buffer.as_entire_buffer_binding());
        context.dispatch(&context.kernels.roi_taps, &params, &bindings, workgroups_1d(outputs));
        TapsTable { taps: params.taps, first, weights }
    }
}
