//! The locate stage: where the subject is, according to two small networks that look at the whole photo.
//!
//! A coarse matte of the mirrored photo serves as a second opinion. A segmentation network tells where people are, and
//! whether there are any. Where the two agree on a person, the matting network needs to look at that part of the photo
//! only: the region of interest (ROI).

use cameo_core::taps;
use cameo_core::tuning::{
    CORE_RADIUS, LOW_RES_SIDE, MIN_CONFIDENT, MIN_CORE_CONFIDENCE, MIN_PART_DIVISOR, MIN_PART_PIXELS,
    MIN_PERSON_PROBABILITY, MIN_ROI_IOU, MIN_VETO_ALPHA, Roi, SUBJECT_ALPHA,
};
use cameo_core::view::View;

use crate::components::{NONE, components, dilate};
use crate::plane::Plane;

/// What is known of the subject before matting. Planes have [`LOW_RES_SIDE`] pixels per side and cover the scene, as the
/// photo lies.
#[derive(Debug, Clone)]
pub struct CpuPrior {
    /// How the networks look at the photo.
    pub view: View,
    /// The part of the photo that the matting network gets.
    pub roi: Roi,
    /// The subject according to the coarse network, in 0..1.
    pub coarse_matte: Plane,
    /// The person, if there is one and guidance is on.
    pub person: Option<PersonPrior>,
}

/// Where a person is, according to the segmentation network.
#[derive(Debug, Clone)]
pub struct PersonPrior {
    /// Probability that a pixel belongs to a person, in 0..1.
    pub confidence: Plane,
    /// 1 where the confidence is high all around and the coarse matte agrees, else 0.
    pub core: Plane,
}

/// The output of the segmentation network, before it is decided whether it shows a person.
#[derive(Debug, Clone)]
pub struct PersonCandidate {
    /// Probability that a pixel belongs to a person, in 0..1, [`LOW_RES_SIDE`] pixels per side.
    pub confidence: Plane,
    /// Probability that there is a person in the photo at all, and not an animal or a thing.
    pub probability: f32,
}

/// Combines the outputs of the two networks for a `view` of a photo.
///
/// `network_side` is the input side of the matting network. `coarse_matte` is stretched to 0..1 and has
/// [`COARSE_SIDE`](cameo_core::tuning::COARSE_SIDE) pixels per side.
pub fn locate(view: View, network_side: u32, coarse_matte: &Plane, candidate: Option<PersonCandidate>) -> CpuPrior {
    let taps = taps::bilinear(coarse_matte.width as usize, LOW_RES_SIDE);
    let coarse_matte = coarse_matte.resample(&taps, &taps);
    let mut prior = CpuPrior { view, roi: view.scene, coarse_matte, person: None };
    let Some(PersonCandidate { confidence, probability }) = candidate else { return prior };
    let subject = above_half(&prior.coarse_matte);
    let person = above_half(&confidence);
    if probability < MIN_PERSON_PROBABILITY || person.iter().filter(|person| **person).count() < MIN_CONFIDENT as usize
    {
        return prior;
    }
    // The network gets all pixels of a small photo anyway.
    let scene = view.scene;
    if agree(&person, &subject) && scene.width.max(scene.height) > network_side {
        prior.roi = Roi::around(bounding_box(&person, &subject), scene, network_side);
    }
    let core = core(&confidence, &prior.coarse_matte);
    prior.person = Some(PersonPrior { confidence, core });
    prior
}

fn above_half(plane: &Plane) -> Vec<bool> {
    plane.values.iter().map(|&value| value > SUBJECT_ALPHA).collect()
}

/// Returns whether the intersection over union of the two masks is at least [`MIN_ROI_IOU`].
fn agree(person: &[bool], subject: &[bool]) -> bool {
    let pairs = || person.iter().zip(subject);
    let intersection = pairs().filter(|(person, subject)| **person && **subject).count();
    let union = pairs().filter(|(person, subject)| **person || **subject).count();
    intersection as f32 >= MIN_ROI_IOU * union as f32
}

/// Returns the bounding box of the people and of the parts of the subject that touch them, without specks:
/// `[left, top, right, bottom]` in pixels of a [`LOW_RES_SIDE`] plane, with `right` and `bottom` past the last pixel.
fn bounding_box(person: &[bool], subject: &[bool]) -> [u32; 4] {
    let either: Vec<bool> = person.iter().zip(subject).map(|(&person, &subject)| person || subject).collect();
    let labels = components(&either, LOW_RES_SIDE);
    let mut areas = vec![0u32; LOW_RES_SIDE * LOW_RES_SIDE];
    labels.iter().zip(person).filter(|(_, person)| **person).for_each(|(&label, _)| areas[label as usize] += 1);
    let min_area = MIN_PART_PIXELS.max(areas.iter().max().copied().unwrap_or(0) / MIN_PART_DIVISOR);
    let mut bounds = [LOW_RES_SIDE as u32, LOW_RES_SIDE as u32, 0, 0];
    for (i, &label) in labels.iter().enumerate() {
        if label != NONE && areas[label as usize] >= min_area {
            let (x, y) = ((i % LOW_RES_SIDE) as u32, (i / LOW_RES_SIDE) as u32);
            bounds = [bounds[0].min(x), bounds[1].min(y), bounds[2].max(x + 1), bounds[3].max(y + 1)];
        }
    }
    bounds
}

/// Returns 1 where no pixel within [`CORE_RADIUS`] is uncertain and the coarse matte does not veto, else 0.
fn core(confidence: &Plane, coarse_matte: &Plane) -> Plane {
    let uncertain: Vec<bool> = confidence.values.iter().map(|&confidence| confidence <= MIN_CORE_CONFIDENCE).collect();
    let near_uncertain = dilate(&uncertain, LOW_RES_SIDE, CORE_RADIUS).into_iter();
    let values = near_uncertain.zip(&coarse_matte.values);
    let values = values.map(|(uncertain, &coarse)| if !uncertain && coarse > MIN_VETO_ALPHA { 1.0 } else { 0.0 });
    Plane::square(LOW_RES_SIDE, values.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A plane of `side`: 1 within `[left, top, right, bottom]`, else 0.
    fn block(side: usize, [left, top, right, bottom]: [usize; 4]) -> Plane {
        let inside = |i: usize| (left..right).contains(&(i % side)) && (top..bottom).contains(&(i / side));
        Plane::square(side, (0..side * side).map(|i| inside(i) as u8 as f32).collect())
    }

    /// Between bars to the left and right.
    const SCENE: Roi = Roi { left: 200, top: 0, width: 1024, height: 1024 };
    const PERSON_AT: [usize; 4] = [100, 120, 140, 180];

    fn located(subject_at: [usize; 4], person_at: [usize; 4], probability: f32, network_side: u32) -> CpuPrior {
        let candidate = PersonCandidate { confidence: block(LOW_RES_SIDE, person_at), probability };
        locate(View::upright(SCENE), network_side, &block(LOW_RES_SIDE, subject_at), Some(candidate))
    }

    #[test]
    fn the_roi_is_a_person_that_both_networks_find() {
        let prior = located(PERSON_AT, PERSON_AT, 0.9, 320);
        assert_eq!(prior.roi, Roi::around([100, 120, 140, 180], SCENE, 320));
        let core = prior.person.unwrap().core;
        assert_eq!(core.values.iter().sum::<f32>(), (36 * 56) as f32);
    }

    #[test]
    fn the_roi_includes_what_the_person_holds() {
        let prior = located([100, 120, 152, 180], PERSON_AT, 0.9, 320);
        assert_eq!(prior.roi, Roi::around([100, 120, 152, 180], SCENE, 320));
    }

    #[test]
    fn the_roi_is_the_whole_scene_if_there_is_no_person_or_another_subject() {
        assert_eq!(located(PERSON_AT, PERSON_AT, 0.9, 1024).roi, SCENE, "the network gets all pixels");
        let other = located([0, 0, 90, 90], PERSON_AT, 0.9, 320);
        assert_eq!(other.roi, SCENE);
        assert_eq!(other.person.unwrap().core.values.iter().sum::<f32>(), 0.0, "the coarse matte vetoes");
        assert!(located(PERSON_AT, PERSON_AT, 0.1, 320).person.is_none(), "an animal");
        let speck = [3, 3, 13, 13];
        assert!(located(speck, speck, 0.9, 320).person.is_none(), "a speck");
    }
}
