//! Counts from which the uncertainty of a matte is computed.

use cameo_core::taps;
use cameo_core::tuning::{
    CORE_RADIUS, LOW_RES_SIDE, MIN_CORE_CONFIDENCE, MatteStats, STATS_SOFT, STATS_UNIT, SUBJECT_ALPHA,
};
use cameo_core::view::View;

use crate::components::dilate;
use crate::locate::CpuPrior;
use crate::plane::Plane;

/// Compares `alpha`, a square matte over the ROI after the repair stage, with `prior`.
pub fn matte_stats(alpha: &Plane, prior: &CpuPrior) -> MatteStats {
    let area_taps = taps::area(alpha.width as usize, LOW_RES_SIDE);
    let alpha = alpha.resample(&area_taps, &area_taps);
    let over_roi = |plane: &Plane| plane.sample_roi(&prior.roi, &prior.view.scene);
    let coarse = over_roi(&prior.coarse_matte);
    let confidence = prior.person.as_ref().map(|person| over_roi(&person.confidence));
    let mut stats = MatteStats { person_present: confidence.is_some().into(), ..Default::default() };
    let fixed_point = |value: f32| (value * STATS_UNIT + 0.5) as u32;
    for (i, (&alpha, &coarse)) in alpha.values.iter().zip(&coarse.values).enumerate() {
        let solid = alpha > SUBJECT_ALPHA;
        stats.soft_pixels += (STATS_SOFT < alpha && alpha < 1.0 - STATS_SOFT) as u32;
        stats.subject_pixels += solid as u32;
        stats.disagreement += fixed_point((alpha - coarse).abs());
        stats.alpha_union += fixed_point(alpha.max(coarse));
        stats.clipped += (alpha > STATS_SOFT && on_clipping_border(prior, i)) as u32;
        if let Some(confidence) = &confidence {
            let confident = confidence.values[i] > SUBJECT_ALPHA;
            stats.intersection += (confident && solid) as u32;
            stats.union += (confident || solid) as u32;
        }
    }
    if let Some(confidence) = &confidence {
        let doubted: Vec<bool> = confidence.values.iter().map(|&value| value <= MIN_CORE_CONFIDENCE).collect();
        let near_doubt = dilate(&doubted, LOW_RES_SIDE, CORE_RADIUS);
        let lacks = |(alpha, near_doubt): (&f32, bool)| !near_doubt && *alpha <= SUBJECT_ALPHA;
        stats.lacking = alpha.values.iter().zip(near_doubt).filter(|&pixel| lacks(pixel)).count() as u32;
    }
    stats
}

/// Returns whether pixel `i` of a [`LOW_RES_SIDE`] plane over the ROI lies on a border beyond which the scene goes on.
fn on_clipping_border(prior: &CpuPrior, i: usize) -> bool {
    let CpuPrior { roi, view: View { scene, .. }, .. } = prior;
    let (x, y) = (i % LOW_RES_SIDE, i / LOW_RES_SIDE);
    x == 0 && roi.left > scene.left
        || y == 0 && roi.top > scene.top
        || x == LOW_RES_SIDE - 1 && roi.left + roi.width < scene.left + scene.width
        || y == LOW_RES_SIDE - 1 && roi.top + roi.height < scene.top + scene.height
}
