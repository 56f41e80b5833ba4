//! The search for people: in which part of the photo, and which way up.

use super::rotation::Rotation;
use crate::tuning::{
    CERTAIN_PERSON_PROBABILITY, MIN_PERSON_PROBABILITY, MIN_ROTATED_ODDS_RATIO, MIN_ROTATED_PROBABILITY, Roi,
};

/// Looks for a person in `scene`, and in the `whole` photo if there is none. Returns what `look` found in the part that
/// is chosen.
///
/// `look` returns what is to be seen in a part of the photo, and the probability of a person. A photo without people is
/// treated as if it had no bars: what looks like bars may be the background of its subject.
///
/// # Errors
/// Those of `look`.
pub fn find_scene<T, E>(scene: Roi, whole: Roi, mut look: impl FnMut(Roi) -> Result<(T, f32), E>) -> Result<T, E> {
    let (seen, probability) = look(scene)?;
    if scene == whole || probability >= MIN_PERSON_PROBABILITY {
        return Ok(seen);
    }
    Ok(look(whole)?.0)
}

/// Looks for a person who lies on the side or upside down, if none is certain to be upright. Returns the rotation after
/// which the person is upright, and what was seen after it.
///
/// `upright` is what is to be seen in the photo as it lies, and the probability of a person. `look` returns the same
/// after each of some rotations. The classifier behind it was trained on people who are upright, so it rates others
/// lower.
///
/// # Errors
/// Those of `look`.
pub fn find_upright<T, E>(
    (upright, probability): (T, f32),
    look: impl FnOnce([Rotation; 3]) -> Result<Vec<(T, f32)>, E>,
) -> Result<(Rotation, T), E> {
    if probability >= CERTAIN_PERSON_PROBABILITY {
        return Ok((Rotation::None, upright));
    }
    let odds = |probability: f32| probability / (1.0 - probability).max(f32::EPSILON);
    let rotations = [Rotation::Quarter, Rotation::Half, Rotation::ThreeQuarters];
    let min_odds = odds(MIN_ROTATED_PROBABILITY).max(MIN_ROTATED_ODDS_RATIO * odds(probability));
    let mut best = (Rotation::None, upright, min_odds);
    for (rotation, (seen, probability)) in rotations.into_iter().zip(look(rotations)?) {
        if odds(probability) > best.2 {
            best = (rotation, seen, odds(probability));
        }
    }
    Ok((best.0, best.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Roi = Roi { left: 0, top: 0, width: 100, height: 300 };
    const SCENE: Roi = Roi { left: 0, top: 90, width: 100, height: 100 };

    /// Returns the part that is chosen, and all parts that were looked at, if a person is in `scene` with a probability.
    fn chosen_scene(scene: Roi, probability: f32) -> (Roi, Vec<Roi>) {
        let mut seen = Vec::new();
        let found = find_scene(scene, WHOLE, |part| {
            seen.push(part);
            Ok::<_, String>((part, if part == scene { probability } else { 0.0 }))
        });
        (found.unwrap(), seen)
    }

    #[test]
    fn a_person_is_looked_for_between_the_bars_and_then_in_the_whole_photo() {
        assert_eq!(chosen_scene(SCENE, 0.9), (SCENE, vec![SCENE]));
        assert_eq!(chosen_scene(SCENE, 0.1), (WHOLE, vec![SCENE, WHOLE]));
        assert_eq!(chosen_scene(WHOLE, 0.1), (WHOLE, vec![WHOLE]));
    }

    /// Returns the rotation that is chosen, and whether more than one was looked at, for the probabilities after each.
    fn chosen_rotation(probabilities: [f32; 4]) -> (Rotation, bool) {
        let mut searched = false;
        let seen = |rotation: Rotation| (rotation, probabilities[rotation.quarter_turns() as usize]);
        let found = find_upright(seen(Rotation::None), |rotations| {
            searched = true;
            Ok::<_, String>(rotations.map(seen).to_vec())
        });
        let (rotation, seen) = found.unwrap();
        assert_eq!(rotation, seen);
        (rotation, searched)
    }

    #[test]
    fn a_person_who_is_certain_to_be_upright_is_looked_at_once() {
        assert_eq!(chosen_rotation([0.999, 0.0, 1.0, 0.0]), (Rotation::None, false));
    }

    #[test]
    fn a_photo_is_turned_if_a_person_is_much_more_probable_then() {
        assert_eq!(chosen_rotation([0.3, 0.1, 0.8, 0.95]), (Rotation::ThreeQuarters, true));
        assert_eq!(chosen_rotation([0.2, 0.9, 0.1, 0.85]), (Rotation::Quarter, true));
        assert_eq!(chosen_rotation([0.9, 0.1, 1.0, 0.1]), (Rotation::Half, true));
        // Nine to one against four to one.
        assert_eq!(chosen_rotation([0.8, 0.1, 0.9, 0.1]), (Rotation::None, true));
        // An animal or a thing.
        assert_eq!(chosen_rotation([0.01, 0.1, 0.7, 0.3]), (Rotation::None, true));
    }
}
