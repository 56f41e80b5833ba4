//! The repair stage: restores what the matting network left out of a person, enclosed holes and grey interiors.
//!
//! The decisions are made on planes of [`LOW_RES_SIDE`] pixels per side over the ROI, and are soft: a gain raises the
//! network's own matte, edges included, to full opacity where the subject is certain, and a floor below it covers the
//! certain interior alone.

mod gain_map;
mod low_res;
mod stats;

use cameo_core::pipeline::CutoutOptions;
use cameo_core::taps;
use cameo_core::tuning::{self, LOW_RES_SIDE};

use crate::context::GpuContext;
use crate::frame::{GpuMatte, GpuRepairedMatte};
use crate::kernels::workgroups_2d;
use crate::locate::GpuPrior;
use crate::network::GpuFeatureMap;
use crate::params::RepairApply;
use crate::pool::GpuBuffer;
use crate::stretch;
use crate::taps_table::TapsTable;
use low_res::LowRes;

/// Stretches `matte` to 0..1, and applies what `prior` and `options` restore and remove.
pub fn repair(context: &GpuContext, matte: GpuMatte, prior: &GpuPrior, options: &CutoutOptions) -> GpuRepairedMatte {
    let GpuMatte { map, input } = matte;
    let extrema = stretch::extrema(context, &map);
    let area_taps = TapsTable::new(context, "area taps", &taps::area(map.side() as usize, LOW_RES_SIDE));
    let low_res = LowRes::record(context, &map, &extrema, prior, &area_taps);
    let changes_matte = prior.guidance || options.fill_holes.is_some() || options.largest;
    let gain_map = changes_matte.then(|| gain_map::record(context, &low_res, prior, options));
    let repaired = record_apply(context, &map, &extrema, gain_map.as_ref());
    let stats = stats::record(context, &repaired, &low_res.planes, prior, &area_taps, map.side());
    GpuRepairedMatte { matte: repaired, stats, input }
}

/// Records the stretching of `matte` and the application of the gain map, if there is one.
fn record_apply(
    context: &GpuContext,
    matte: &GpuFeatureMap,
    extrema: &GpuBuffer,
    gain_map: Option<&GpuBuffer>,
) -> GpuBuffer {
    let size = matte.side();
    let spline_taps = TapsTable::new(context, "spline taps", &taps::bspline(LOW_RES_SIDE, size as usize));
    let repaired = context.scratch("repaired matte", u64::from(size) * u64::from(size) * 4);
    let params = RepairApply {
        size,
        side: LOW_RES_SIDE as u32,
        taps: spline_taps.taps,
        min_range: tuning::MIN_RANGE,
        has_gain_map: gain_map.is_some().into(),
    };
    // Every binding of a shader must be given, even if it is not read.
    let unused = gain_map.is_none().then(|| context.scratch("unused gain map", 16));
    let gain_map = gain_map.or(unused.as_ref()).map(|buffer| buffer.as_entire_buffer_binding());
    let [first, weights] = spline_taps.bindings();
    let bindings = [first, weights, extrema.as_entire_buffer_binding(), matte.binding()].into_iter().chain(gain_map);
    let bindings: Vec<_> = bindings.chain([repaired.as_entire_buffer_binding()]).collect();
    context.dispatch(&context.kernels.repair_apply, &params, &bindings, workgroups_2d(size, size));
    repaired
}
