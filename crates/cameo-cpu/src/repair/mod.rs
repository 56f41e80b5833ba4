//! The repair stage: restores what the matting network left out of a person, enclosed holes and grey interiors.
//!
//! The decisions are made on a plane of [`LOW_RES_SIDE`] pixels per side over the ROI, and are soft: a gain raises the
//! network's own matte, edges included, to full opacity where the subject is certain, and a floor below it covers the
//! certain interior alone.

mod gain_map;
mod stats;

use rayon::prelude::*;

use cameo_core::pipeline::CutoutOptions;
use cameo_core::taps::{self, Taps};
use cameo_core::tuning::{LOW_RES_SIDE, MatteStats};

use crate::locate::CpuPrior;
use crate::matte::CpuMatte;
use crate::plane::{Plane, resample_columns_at};

pub use stats::matte_stats;

/// A repaired matte.
#[derive(Debug)]
pub struct CpuRepairedMatte {
    /// The matte, stretched to 0..1.
    pub matte: CpuMatte,
    /// How well it agrees with the prior.
    pub stats: MatteStats,
}

/// Applies what `prior` and `options` restore and remove to `alpha`, a square matte over the ROI that is stretched to
/// 0..1.
pub fn repair(mut alpha: Plane, prior: &CpuPrior, options: &CutoutOptions) -> Plane {
    let area_taps = taps::area(alpha.width as usize, LOW_RES_SIDE);
    let map = gain_map::gain_map(&alpha.resample(&area_taps, &area_taps), prior, options);
    let spline_taps = taps::bspline(LOW_RES_SIDE, alpha.width as usize);
    if let Some(gain) = map.gain {
        combine(&mut alpha, &gain, &spline_taps, |alpha, gain| (alpha * gain).min(1.0));
    }
    if let Some(floor) = map.floor {
        combine(&mut alpha, &floor, &spline_taps, f32::max);
    }
    if let Some(keep) = map.keep {
        combine(&mut alpha, &keep, &spline_taps, |alpha, keep| alpha * keep);
    }
    alpha
}

/// Replaces each value of `alpha` by `change` of it and the value of `map`, enlarged by `taps`.
fn combine(alpha: &mut Plane, map: &Plane, taps: &Taps, change: impl Fn(f32, f32) -> f32 + Sync) {
    let rows = map.resample_rows(taps);
    let width = alpha.width as usize;
    alpha.values.par_chunks_exact_mut(width).enumerate().for_each_init(
        || vec![0.0; width],
        |map_row, (y, alpha_row)| {
            resample_columns_at(&rows, taps, y, map_row);
            alpha_row.iter_mut().zip(map_row).for_each(|(alpha, map)| *alpha = change(*alpha, *map));
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locate::PersonPrior;
    use cameo_core::tuning::Roi;
    use cameo_core::view::View;

    /// A disc of radius 90 in the middle with the value `inside`, and a hole of radius 15 at its centre.
    fn disc(inside: f32, hole: f32) -> Plane {
        let at = |i: usize| {
            let (x, y) = ((i % LOW_RES_SIDE) as f32 - 127.5, (i / LOW_RES_SIDE) as f32 - 127.5);
            match x.hypot(y) {
                distance if distance > 90.0 => 0.0,
                distance if distance < 15.0 => hole,
                _ => inside,
            }
        };
        Plane::square(LOW_RES_SIDE, (0..LOW_RES_SIDE * LOW_RES_SIDE).map(at).collect())
    }

    fn prior(confidence: Plane) -> CpuPrior {
        let core = confidence.map(|&value| if value > 0.9 { 1.0 } else { 0.0 });
        let person = Some(PersonPrior { core, confidence: confidence.clone() });
        let scene = Roi::whole(640, 480);
        CpuPrior { view: View::upright(scene), roi: scene, coarse_matte: confidence, person }
    }

    fn without_person() -> CpuPrior {
        CpuPrior { person: None, ..prior(disc(1.0, 1.0)) }
    }

    const CENTRE: usize = 128 * LOW_RES_SIDE + 128;
    const OFF_CENTRE: usize = 128 * LOW_RES_SIDE + 128 + 50;
    const BACKGROUND: usize = 10 * LOW_RES_SIDE + 10;

    #[test]
    fn a_hole_is_filled_where_the_prior_is_confident_and_stays_elsewhere() {
        let options = CutoutOptions::default();
        let filled = repair(disc(1.0, 0.0), &prior(disc(1.0, 1.0)), &options);
        assert!(filled.values[CENTRE] > 0.99 && filled.values[BACKGROUND] == 0.0, "{}", filled.values[CENTRE]);
        let kept = repair(disc(1.0, 0.0), &prior(disc(1.0, 0.2)), &options);
        assert!(kept.values[CENTRE] < 0.01, "{}", kept.values[CENTRE]);
    }

    #[test]
    fn a_grey_interior_becomes_opaque_and_the_background_stays_clear() {
        let repaired = repair(disc(0.6, 0.6), &prior(disc(1.0, 1.0)), &CutoutOptions::default());
        assert!(repaired.values[CENTRE] > 0.99 && repaired.values[OFF_CENTRE] > 0.99);
        assert_eq!(repaired.values[BACKGROUND], 0.0);
        // The rim keeps the network's edge: opaque within it, clear beyond.
        let row = &repaired.values[128 * LOW_RES_SIDE..129 * LOW_RES_SIDE];
        assert!(row[128 + 88] > 0.95 && row[128 + 92] < 0.05, "{} {}", row[128 + 88], row[128 + 92]);
    }

    /// A disc as [`disc`], without what lies right of column `end` in the lower half.
    fn disc_without_a_part(end: usize) -> Plane {
        let mut plane = disc(1.0, 1.0);
        let lower = plane.values.chunks_exact_mut(LOW_RES_SIDE).skip(128);
        lower.for_each(|row| row[end..].fill(0.0));
        plane
    }

    #[test]
    fn a_large_part_that_both_small_networks_are_certain_of_is_restored() {
        let repaired = repair(disc_without_a_part(150), &prior(disc(1.0, 1.0)), &CutoutOptions::default());
        let lower_right = 160 * LOW_RES_SIDE + 128 + 50;
        assert!(repaired.values[lower_right] > 0.99, "{}", repaired.values[lower_right]);
        assert_eq!(repaired.values[BACKGROUND], 0.0);
        assert!(repaired.values[160 * LOW_RES_SIDE + 128 + 95] < 0.01, "beyond the person");
    }

    #[test]
    fn a_hole_does_not_make_a_small_part_at_the_outline_restored() {
        // The person seems to extend a little beyond the matte, which has a large hole.
        let mut person = disc(1.0, 1.0);
        (120..130).for_each(|y| person.values[y * LOW_RES_SIDE + 200..][..28].fill(1.0));
        let mut dented = disc(1.0, 0.0);
        (120..130).for_each(|y| dented.values[y * LOW_RES_SIDE + 216..][..12].fill(0.0));
        let repaired = repair(dented, &prior(person), &CutoutOptions::default());
        assert!(repaired.values[CENTRE] > 0.99, "the hole is filled");
        assert!(repaired.values[125 * LOW_RES_SIDE + 222] < 0.01, "{}", repaired.values[125 * LOW_RES_SIDE + 222]);
    }

    #[test]
    fn a_part_that_one_small_network_does_not_see_is_not_restored_but_told() {
        let matte = disc_without_a_part(150);
        let mut coarse_vetoes = prior(disc(1.0, 1.0));
        coarse_vetoes.coarse_matte = matte.clone();
        if let Some(person) = &mut coarse_vetoes.person {
            person.core = matte.clone();
        }
        let repaired = repair(matte.clone(), &coarse_vetoes, &CutoutOptions::default());
        let changed = repaired.values.iter().zip(&matte.values).any(|(found, want)| (found - want).abs() > 1e-3);
        assert!(!changed, "the matte was changed");
        let uncertainty = |prior: &CpuPrior| matte_stats(&repaired, prior).uncertainty();
        assert!(uncertainty(&coarse_vetoes) > 0.3, "{}", uncertainty(&coarse_vetoes));
        let certain = CpuPrior { person: None, ..coarse_vetoes };
        assert!(uncertainty(&certain) < 0.1, "{}", uncertainty(&certain));
    }

    #[test]
    fn a_prior_that_contradicts_the_matte_is_ignored() {
        let elsewhere = Plane::square(
            LOW_RES_SIDE,
            (0..LOW_RES_SIDE * LOW_RES_SIDE).map(|i| (i % LOW_RES_SIDE < 60) as u8 as f32).collect(),
        );
        let matte = disc(0.6, 0.0);
        assert_eq!(repair(matte.clone(), &prior(elsewhere), &CutoutOptions::default()), matte);
    }

    #[test]
    fn holes_up_to_a_size_are_filled_without_a_person() {
        let fill = |fraction| CutoutOptions { fill_holes: Some(fraction), ..Default::default() };
        // The hole covers 1.1 percent of the plane.
        assert!(repair(disc(1.0, 0.0), &without_person(), &fill(0.02)).values[CENTRE] > 0.99);
        assert!(repair(disc(1.0, 0.0), &without_person(), &fill(0.005)).values[CENTRE] < 0.01);
    }

    #[test]
    fn only_the_largest_subject_is_kept_on_request() {
        let mut matte = disc(1.0, 1.0);
        (0..20).for_each(|y| matte.values[(5 + y) * LOW_RES_SIDE..][..20].fill(1.0));
        let options = CutoutOptions { largest: true, ..Default::default() };
        let kept = repair(matte.clone(), &without_person(), &options);
        assert!(kept.values[CENTRE] > 0.99 && kept.values[BACKGROUND] < 0.01);
        assert_eq!(repair(matte, &without_person(), &CutoutOptions::default()).values[BACKGROUND], 1.0);
    }
}
