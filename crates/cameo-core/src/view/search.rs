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
/// which the person is upright, and what `look` found after it.
///
/// `look` returns what is to be seen after a rotation, and the probability of a person. The classifier behind it was
/// trained on people who are upright, so it rates others lower.
///
/// # Errors
/// Those of `look`.
pub fn find_upright<T, E>(mut look: impl FnMut(Rotation) -> Result<(T, f32), E>) -> Result<(Rotation, T), E> {
    let odds = |probability: f32| probability / (1.0 - probability).max(f32::EPSILON);
    let (upright, probability) = look(Rotation::None)?;
    if probability >= CERTAIN_PERSON_PROBABILITY {
        return Ok((Rotation::None, upright));
    }
    let min_odds = odds(MIN_ROTATED_PROBABILITY).max(MIN_ROTATED_ODDS_RATIO * odds(probability));
    let mut best = (Rotation::None, upright, min_odds);
    for rotation in [Rotation::Quarter, Rotation::Half, Rotation::ThreeQuarters] {
        let (seen, probability) = look(rotation)?;
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

    /// Returns the rotation that is chosen, and the number of looks, for the probabilities after each rotation.
    fn chosen_rotation(probabilities: [f32; 4]) -> (Rotation, usize) {
        let mut looks = 0;
        let found = find_upright(|rotation| {
            looks += 1;
            Ok::<_, String>(((), probabilities[rotation.quarter_turns() as usize]))
        });
        (found.unwrap().0, looks)
    }

    #[test]
    fn a_person_who_is_certain_to_be_upright_is_looked_at_once() {
        assert_eq!(chosen_rotation([0.999, 0.0, 1.0, 0.0]), (Rotation::None, 1));
    }

    #[test]
    fn a_photo_is_turned_if_a_person_is_much_more_probable_then() {
        assert_eq!(chosen_rotation([0.3, 0.1, 0.8, 0.95]), (Rotation::ThreeQuarters, 4));
        assert_eq!(chosen_rotation([0.2, 0.9, 0.1, 0.85]), (Rotation::Quarter, 4));
        assert_eq!(chosen_rotation([0.9, 0.1, 1.0, 0.1]), (Rotation::Half, 4));
        // Nine to one against four to one.
        assert_eq!(chosen_rotation([0.8, 0.1, 0.9, 0.1]), (Rotation::None, 4));
        // An animal or a thing.
        assert_eq!(chosen_rotation([0.01, 0.1, 0.7, 0.3]), (Rotation::None, 4));
    }
}
