//! Decides, on planes of [`LOW_RES_SIDE`] pixels per side over the ROI, what is restored to a matte and what is removed
//! from it.

use cameo_core::pipeline::CutoutOptions;
use cameo_core::tuning::{self, LOW_RES_SIDE, ramp};

use super::low_res::{LowRes, scratch_plane};
use crate::blur::blur;
use crate::components::components;
use crate::context::GpuContext;
use crate::kernels::workgroups_2d;
use crate::locate::GpuPrior;
use crate::params::{RepairGainMap, RepairLargest, RepairMasks, RepairRegions};
use crate::pool::GpuBuffer;

/// Planes of `repair_regions`.
const REGION_PLANES: usize = 7;

/// The planes of `repair_masks` over the region of interest, each `[LOW_RES_SIDE, LOW_RES_SIDE]`.
struct RepairMaskPlanes {
    /// Two planes: the solid interior, and the matte there.
    interior: GpuBuffer,
    /// Two planes: interior and filled holes, and what the matte lacks there.
    cover: GpuBuffer,
    /// 1 where a hole is filled, and at its rim, and where the core is restored.
    filled: GpuBuffer,
}

/// Records the decisions, and returns the buffer of the gain map: `[LOW_RES_SIDE, LOW_RES_SIDE, 4]` f32 over the region
/// of interest, with gain (1 or more), floor and keep (0..1), and 0.
///
/// The matte becomes `max(min(1, gain * alpha), floor) * keep`.
pub fn record(context: &GpuContext, low_res: &LowRes, prior: &GpuPrior, options: &CutoutOptions) -> GpuBuffer {
    components(context, &low_res.labels);
    let regions = record_regions(context, low_res);
    let RepairMaskPlanes { interior, cover, filled } = record_masks(context, low_res, &regions, prior, options);
    let interior = blur(context, &interior, tuning::SPREAD_SIGMA);
    let cover = blur(context, &cover, tuning::SOFT_SIGMA);
    let kept = match options.largest {
        true => record_largest(context, &low_res.labels, &regions),
        // Every binding of a shader must be given, even if it is not read.
        false => cover.clone(),
    };
    let gain_map = scratch_plane(context, "gain map", 16);
    let params = RepairGainMap {
        trust: ramp::TRUST,
        near: ramp::NEAR,
        solid: ramp::SOLID,
        missing: ramp::MISSING,
        need: ramp::NEED,
        side: LOW_RES_SIDE as u32,
        largest: options.largest.into(),
    };
    let bindings = [&interior, &cover, &filled, &kept, &gain_map].map(|buffer| buffer.as_entire_buffer_binding());
    context.dispatch(&context.kernels.repair_gain_map, &params, &bindings, workgroups());
    gain_map
}

/// Records the statistics of each hole and each subject.
fn record_regions(context: &GpuContext, low_res: &LowRes) -> GpuBuffer {
    let regions = scratch_plane(context, "repair regions", REGION_PLANES * 4);
    context.clear(&regions);
    let params = RepairRegions { side: LOW_RES_SIDE as u32, subject_alpha: tuning::SUBJECT_ALPHA };
    let bindings = [&low_res.planes, &low_res.labels, &regions].map(|buffer| buffer.as_entire_buffer_binding());
    context.dispatch(&context.kernels.repair_regions, &params, &bindings, workgroups());
    regions
}

/// Records the masks of the interior and of the holes to fill.
fn record_masks(
    context: &GpuContext,
    low_res: &LowRes,
    regions: &GpuBuffer,
    prior: &GpuPrior,
    options: &CutoutOptions,
) -> RepairMaskPlanes {
    let interior = scratch_plane(context, "repair interior", 8);
    let cover = scratch_plane(context, "repair cover", 8);
    let filled = scratch_plane(context, "repair filled", 4);
    let params = RepairMasks {
        side: LOW_RES_SIDE as u32,
        subject_alpha: tuning::SUBJECT_ALPHA,
        max_doubt: 1.0 - tuning::MIN_HOLE_CONFIDENCE,
        max_hole_fraction: options.fill_holes.unwrap_or(0.0) as f32,
        min_iou: tuning::MIN_REPAIR_IOU,
        guidance: prior.guidance.into(),
        radius: tuning::FILL_RADIUS as u32,
        max_lacking: tuning::MAX_LACKING,
        restore_radius: tuning::RESTORE_RADIUS as u32,
        scene_pixels: prior.view.scene.width * prior.view.scene.height,
    };
    let bindings = [&prior.roi, &low_res.planes, &low_res.labels, regions, &interior, &cover, &filled]
        .map(|buffer| buffer.as_entire_buffer_binding());
    context.dispatch(&context.kernels.repair_masks, &params, &bindings, workgroups());
    RepairMaskPlanes { interior, cover, filled }
}

/// Records the mask of the largest subject, blurred at its border.
fn record_largest(context: &GpuContext, labels: &GpuBuffer, regions: &GpuBuffer) -> GpuBuffer {
    let kept = scratch_plane(context, "repair kept", 8);
    let params = RepairLargest { side: LOW_RES_SIDE as u32, radius: tuning::KEEP_RADIUS as u32 };
    let bindings = [labels, regions, &kept].map(|buffer| buffer.as_entire_buffer_binding());
    context.dispatch(&context.kernels.repair_largest, &params, &bindings, [1; 3]);
    blur(context, &kept, tuning::SOFT_SIGMA)
}

fn workgroups() -> [u32; 3] {
    workgroups_2d(LOW_RES_SIDE as u32, LOW_RES_SIDE as u32)
}
