//! The search for people.

use crate::tuning::{MIN_PERSON_PROBABILITY, Roi};

/// Looks for a person in `scene`, and in the `whole` photo if there is none. Returns the part of the photo that the small
/// networks work with, and what `look` found there.
///
/// `look` returns what the person segmentation found in a part of the photo, and the probability of a person. A photo
/// without people is treated as if it had no bars: what looks like bars may be the background of its subject.
///
/// # Errors
/// Those of `look`.
pub fn find_person<C, E>(
    scene: Roi,
    whole: Roi,
    mut look: impl FnMut(Roi) -> Result<(C, f32), E>,
) -> Result<(Roi, C), E> {
    let (found, probability) = look(scene)?;
    if scene == whole || probability >= MIN_PERSON_PROBABILITY {
        return Ok((scene, found));
    }
    Ok((whole, look(whole)?.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Roi = Roi { left: 0, top: 0, width: 100, height: 300 };
    const SCENE: Roi = Roi { left: 0, top: 90, width: 100, height: 100 };

    /// Returns the part that is chosen, and all parts that were looked at, if a person is in `scene` with a probability.
    fn search(scene: Roi, probability: f32) -> (Roi, Vec<Roi>) {
        let mut seen = Vec::new();
        let found = find_person(scene, WHOLE, |part| {
            seen.push(part);
            Ok::<_, String>(((), if part == scene { probability } else { 0.0 }))
        });
        (found.unwrap().0, seen)
    }

    #[test]
    fn a_person_is_looked_for_between_the_bars_and_then_in_the_whole_photo() {
        assert_eq!(search(SCENE, 0.9), (SCENE, vec![SCENE]));
        assert_eq!(search(SCENE, 0.1), (WHOLE, vec![SCENE, WHOLE]));
        assert_eq!(search(WHOLE, 0.1), (WHOLE, vec![WHOLE]));
    }
}
