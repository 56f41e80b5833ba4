//! Decides, on a plane of [`LOW_RES_SIDE`] pixels per side over the ROI, what is restored to a matte and what is
//! removed from it.

use cameo_core::pipeline::CutoutOptions;
use cameo_core::taps;
use cameo_core::tuning::{
    FILL_RADIUS, KEEP_RADIUS, LOW_RES_SIDE, MAX_LACKING, MAX_OUTSIDE_ALPHA, MIN_HOLE_CONFIDENCE, MIN_REPAIR_IOU,
    RESTORE_RADIUS, Roi, SOFT_SIGMA, SPREAD_SIGMA, SUBJECT_ALPHA, ramp, smoothstep,
};

use crate::components::{NONE, components, dilate, on_border};
use crate::locate::CpuPrior;
use crate::plane::Plane;

/// How a matte is changed: to `max(min(1, gain * alpha), floor) * keep`. Planes have [`LOW_RES_SIDE`] pixels per side;
/// `None` leaves out the step.
#[derive(Default)]
pub struct GainMap {
    pub gain: Option<Plane>,
    pub floor: Option<Plane>,
    pub keep: Option<Plane>,
}

/// Returns the changes for `alpha`, the stretched matte at [`LOW_RES_SIDE`] pixels per side.
pub fn gain_map(alpha: &Plane, prior: &CpuPrior, options: &CutoutOptions) -> GainMap {
    let mut map = GainMap::default();
    let over_roi = |plane: &Plane| plane.sample_roi(&prior.roi, &prior.view.scene);
    let person = prior.person.as_ref().map(|person| PersonOverRoi {
        confidence: over_roi(&person.confidence),
        core: over_roi(&person.core),
        coarse_matte: over_roi(&prior.coarse_matte),
    });
    let person = person.filter(|person| !contradicts(alpha, &person.confidence));
    // The option is a fraction of the scene, the plane covers the ROI.
    let pixels = |part: &Roi| (part.width * part.height) as f32;
    let scene_per_roi = pixels(&prior.view.scene) / pixels(&prior.roi);
    let max_hole = options.fill_holes.map(|fraction| fraction as f32 * scene_per_roi);
    if person.is_some() || max_hole.is_some() {
        let nothing = || alpha.map(|_| 0.0);
        let nobody = || PersonOverRoi { confidence: nothing(), core: nothing(), coarse_matte: nothing() };
        let interior = Interior::new(alpha, &person.unwrap_or_else(nobody), max_hole.unwrap_or(0.0));
        let (gain, floor) = gain_and_floor(alpha, &interior);
        map.gain = Some(gain);
        map.floor = Some(floor);
    }
    if options.largest {
        map.keep = Some(keep_largest(alpha));
    }
    map
}

/// The planes of the prior over the ROI.
struct PersonOverRoi {
    confidence: Plane,
    core: Plane,
    coarse_matte: Plane,
}

impl PersonOverRoi {
    /// Marks what the matte lacks of the core in regions that touch the border, and pixels nearby that belong to the
    /// person as well. A region that lacks little is left as it is. `clear` are the regions where the matte is no subject.
    fn lacking(&self, clear: &Regions) -> Vec<bool> {
        let pixels = 0..self.core.values.len();
        let in_core = |i: usize| self.core.values[i] > SUBJECT_ALPHA;
        let max_count = MAX_LACKING * pixels.clone().filter(|&i| in_core(i)).count() as f32;
        let mut counts = vec![0u32; clear.labels.len()];
        pixels.clone().filter(|&i| in_core(i) && clear.is_open(i)).for_each(|i| counts[clear.labels[i] as usize] += 1);
        let is_lacking =
            |i: usize| in_core(i) && clear.is_open(i) && counts[clear.labels[i] as usize] as f32 > max_count;
        let lacking: Vec<bool> = pixels.clone().map(is_lacking).collect();
        let is_person =
            |i: usize| self.confidence.values[i] > SUBJECT_ALPHA && self.coarse_matte.values[i] > SUBJECT_ALPHA;
        let near = dilate(&lacking, LOW_RES_SIDE, RESTORE_RADIUS);
        pixels.map(|i| near[i] && is_person(i)).collect()
    }
}

/// Returns whether the prior and the matte overlap too little for the prior to be trusted.
fn contradicts(alpha: &Plane, confidence: &Plane) -> bool {
    let pairs = || alpha.values.iter().zip(&confidence.values);
    let intersection =
        pairs().filter(|(alpha, confidence)| **alpha > SUBJECT_ALPHA && **confidence > SUBJECT_ALPHA).count();
    let union = pairs().filter(|(alpha, confidence)| **alpha > SUBJECT_ALPHA || **confidence > SUBJECT_ALPHA).count();
    (intersection as f32) < MIN_REPAIR_IOU * union as f32
}

/// The connected regions where a matte is at most a threshold; the vectors are indexed by label.
struct Regions {
    labels: Vec<u32>,
    /// Whether the region touches the border of the plane.
    open: Vec<bool>,
    /// The largest doubt, 1 less the confidence, in the region.
    doubt: Vec<f32>,
    /// In pixels.
    area: Vec<u32>,
}

impl Regions {
    fn new(alpha: &Plane, confidence: &Plane, threshold: f32) -> Self {
        let mask: Vec<bool> = alpha.values.iter().map(|&value| value <= threshold).collect();
        let labels = components(&mask, LOW_RES_SIDE);
        let count = labels.len();
        let mut regions = Self { labels, open: vec![false; count], doubt: vec![0.0; count], area: vec![0; count] };
        for i in 0..count {
            if regions.labels[i] != NONE {
                let label = regions.labels[i] as usize;
                regions.open[label] |= on_border(i, LOW_RES_SIDE, LOW_RES_SIDE);
                regions.doubt[label] = regions.doubt[label].max(1.0 - confidence.values[i]);
                regions.area[label] += 1;
            }
        }
        regions
    }

    /// Returns whether pixel `i` lies in a region that touches the border.
    fn is_open(&self, i: usize) -> bool {
        self.labels[i] != NONE && self.open[self.labels[i] as usize]
    }

    /// Returns whether pixel `i` lies in a region that does not touch the border.
    fn is_enclosed(&self, i: usize) -> bool {
        self.labels[i] != NONE && !self.open[self.labels[i] as usize]
    }
}

/// The parts of the subject that are certain to be opaque, one flag per pixel.
struct Interior {
    /// Holes to fill.
    hole: Vec<bool>,
    /// The core of the person, without the holes that stay.
    solid: Vec<bool>,
    /// The holes to fill, dilated into their rims, and what the matte lacks of the core.
    fill: Vec<bool>,
}

impl Interior {
    /// Holes are filled where the prior is confident, and wherever they cover at most `max_hole` of the plane.
    fn new(alpha: &Plane, person: &PersonOverRoi, max_hole: f32) -> Self {
        let PersonOverRoi { confidence, core, .. } = person;
        let (clear, outside) = rayon::join(
            || Regions::new(alpha, confidence, SUBJECT_ALPHA),
            || Regions::new(alpha, confidence, MAX_OUTSIDE_ALPHA),
        );
        let filled = |i: usize| {
            let label = clear.labels[i] as usize;
            let area = || clear.area[label] as f32 / (LOW_RES_SIDE * LOW_RES_SIDE) as f32;
            clear.is_enclosed(i) && (clear.doubt[label] <= 1.0 - MIN_HOLE_CONFIDENCE || area() <= max_hole)
        };
        let flags = |flag: &dyn Fn(usize) -> bool| (0..LOW_RES_SIDE * LOW_RES_SIDE).map(flag).collect::<Vec<_>>();
        let hole = flags(&filled);
        // The rim of a hole that stays must not be raised either.
        let solid =
            flags(&|i| core.values[i] > SUBJECT_ALPHA && !outside.is_open(i) && (!clear.is_enclosed(i) || hole[i]));
        // Where the rim is thin, what is filled must not extend beyond the subject.
        let near_hole = dilate(&hole, LOW_RES_SIDE, FILL_RADIUS);
        let lacking = person.lacking(&clear);
        let stays_hole = |i: usize| clear.is_enclosed(i) && !hole[i];
        let fill = flags(&|i| near_hole[i] && !outside.is_open(i) || lacking[i] && !stays_hole(i));
        Self { hole, solid, fill }
    }
}

/// Returns the gain and the floor that make `interior` opaque.
fn gain_and_floor(alpha: &Plane, Interior { hole, solid, fill }: &Interior) -> (Plane, Plane) {
    let plane = |value: &dyn Fn(usize) -> f32| {
        Plane::square(LOW_RES_SIDE, (0..LOW_RES_SIDE * LOW_RES_SIDE).map(value).collect())
    };
    let one_if = |set: bool| if set { 1.0 } else { 0.0 };

    // The mean alpha of the solid part, spread to its rim.
    let spread = taps::gaussian(SPREAD_SIGMA);
    let weight = plane(&|i| one_if(solid[i])).blur(&spread);
    let mass = plane(&|i| one_if(solid[i]) * if hole[i] { 1.0 } else { alpha.values[i] }).blur(&spread);
    let mean = |i: usize| mass.values[i] / weight.values[i].max(1e-4);
    let trust = |i: usize| smoothstep(mean(i), ramp::TRUST) * smoothstep(weight.values[i], ramp::NEAR);
    let gain = plane(&|i| {
        let mean = mean(i).clamp(ramp::TRUST[0], 1.0);
        1.0 + (1.0 / mean - 1.0) * trust(i) * smoothstep(1.0 - mean, ramp::NEED)
    });

    let soft = taps::gaussian(SOFT_SIGMA);
    let coverage = plane(&|i| one_if(solid[i] || fill[i])).blur(&soft);
    let missing = plane(&|i| one_if(solid[i] || fill[i]) * (1.0 - alpha.values[i])).blur(&soft);
    let floor = plane(&|i| {
        let trust = if fill[i] { 1.0 } else { trust(i) };
        smoothstep(coverage.values[i], ramp::SOLID) * trust * smoothstep(missing.values[i], ramp::MISSING)
    });
    (gain, floor)
}

/// Returns 1 over the largest connected subject, 0 elsewhere, with a soft transition.
fn keep_largest(alpha: &Plane) -> Plane {
    let labels =
        components(&alpha.values.iter().map(|&value| value > MAX_OUTSIDE_ALPHA).collect::<Vec<_>>(), LOW_RES_SIDE);
    let mut areas = vec![0u32; labels.len()];
    for (&label, &value) in labels.iter().zip(&alpha.values) {
        if label != NONE && value > SUBJECT_ALPHA {
            areas[label as usize] += 1;
        }
    }
    let max_area = areas.iter().copied().max().unwrap_or(0);
    // Among equals the first one.
    let largest = areas.iter().position(|&area| area == max_area).unwrap_or(0) as u32;
    let mask: Vec<bool> = labels.iter().map(|&label| label == largest).collect();
    let kept = dilate(&mask, LOW_RES_SIDE, KEEP_RADIUS).into_iter().map(|kept| if kept { 1.0 } else { 0.0 }).collect();
    Plane::square(LOW_RES_SIDE, kept).blur(&taps::gaussian(SOFT_SIGMA))
}
