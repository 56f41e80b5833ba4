//! The statistics from which the uncertainty of a matte is computed.

use cameo_core::tuning::{self, LOW_RES_SIDE, MatteStats, Roi};

use crate::context::GpuContext;
use crate::kernels::workgroups_2d;
use crate::locate::GpuPrior;
use crate::params::RepairStats;
use crate::pool::GpuBuffer;
use crate::taps_table::TapsTable;

/// Records the comparison of `repaired`, a matte of `size` pixels per side, with the prior over the ROI in `low_res`,
/// and returns the buffer of a [`MatteStats`].
pub fn record(
    context: &GpuContext,
    repaired: &GpuBuffer,
    low_res: &GpuBuffer,
    prior: &GpuPrior,
    area_taps: &TapsTable,
    size: u32,
) -> GpuBuffer {
    let side = LOW_RES_SIDE as u32;
    let stats = context.scratch("matte stats", size_of::<MatteStats>() as u64);
    context.clear(&stats);
    let Roi { left, top, width, height } = prior.view.scene;
    let params = RepairStats {
        side,
        size,
        taps: area_taps.taps,
        subject_alpha: tuning::SUBJECT_ALPHA,
        soft_margin: tuning::STATS_SOFT,
        guidance: prior.guidance.into(),
        unit: tuning::STATS_UNIT,
        left,
        top,
        width,
        height,
        radius: tuning::CORE_RADIUS as u32,
        min_confidence: tuning::MIN_CORE_CONFIDENCE,
    };
    let [first, weights] = area_taps.bindings();
    let [roi, matte, low_res, counts] =
        [&prior.roi, repaired, low_res, &stats].map(|buffer| buffer.as_entire_buffer_binding());
    let bindings = [roi, first, weights, matte, low_res, counts];
    context.dispatch(&context.kernels.repair_stats, &params, &bindings, workgroups_2d(side, side));
    stats
}
