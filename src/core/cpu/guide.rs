//! Where the person is: what the network that finds people, and a glance of the small one, say of the whole photo.

use super::components::{NONE, components, grown};
use super::plane::Plane;
use crate::rules::{AGREE, CERTAIN, CERTAIN_REACH, HALF, MIN_SURE, PERSON, SIDE, SPECK, SPECK_SHARE, WITNESS, Window};
use crate::taps;

/// What guides the matte. Planes have [`SIDE`] pixels a side and lie over the whole photo.
#[derive(Debug, Clone)]
pub struct Guide {
    /// The photo's size.
    pub width: u32,
    pub height: u32,
    /// The part that the matting network looks at.
    pub window: Window,
    /// The subject as the small network saw it in the mirrored photo, 0..1.
    pub glance: Plane,
    /// The people, if there are any and they are to guide.
    pub people: Option<People>,
}

#[derive(Debug, Clone)]
pub struct People {
    /// How sure the network is of a person, 0..1.
    pub sure: Plane,
    /// 1 where that is certain all around and the glance agrees, else 0.
    pub core: Plane,
}

impl Guide {
    /// `glance` is [`GLANCE_SIDE`](crate::rules::GLANCE_SIDE) pixels a side and stretched to 0..1; `people` are the network's
    /// plane and the probability that there is a person; `size` is the matting network's side.
    pub fn new(width: u32, height: u32, size: usize, glance: &Plane, people: Option<(Plane, f32)>) -> Self {
        let table = taps::bilinear(glance.width as usize, SIDE);
        let glance = glance.resample(&table, &table);
        let window = Window::whole(width, height);
        let mut guide = Self { width, height, window, glance, people: None };
        let Some((sure, person)) = people else { return guide };
        let seen: Vec<bool> = guide.glance.values.iter().map(|&value| value > HALF).collect();
        let somebody: Vec<bool> = sure.values.iter().map(|&value| value > HALF).collect();
        let count = |of: &dyn Fn(bool, bool) -> bool| {
            somebody.iter().zip(&seen).filter(|(one, other)| of(**one, **other)).count() as u32
        };
        if person < PERSON || count(&|somebody, _| somebody) < MIN_SURE {
            return guide;
        }
        // A photo that the network sees in full already gains nothing from a closer look.
        let either = count(&|somebody, seen| somebody || seen) as f32;
        if count(&|somebody, seen| somebody && seen) as f32 >= AGREE * either && width.max(height) > size as u32 {
            guide.window = Window::around(subject(&somebody, &seen), width, height, size as u32);
        }
        let core = core(&sure, &guide.glance);
        guide.people = Some(People { sure, core });
        guide
    }
}

/// The columns and rows that people take, with what the glance saw in touch with them: `[left, top, right, bottom]`.
fn subject(somebody: &[bool], seen: &[bool]) -> [u32; 4] {
    let either: Vec<bool> = somebody.iter().zip(seen).map(|(&somebody, &seen)| somebody || seen).collect();
    let labels = components(&either, SIDE);
    let mut counts = vec![0u32; SIDE * SIDE];
    labels.iter().zip(somebody).filter(|(_, somebody)| **somebody).for_each(|(&label, _)| counts[label as usize] += 1);
    let least = SPECK.max(counts.iter().max().copied().unwrap_or(0) / SPECK_SHARE);
    let mut found = [SIDE as u32, SIDE as u32, 0, 0];
    for (i, &label) in labels.iter().enumerate() {
        if label != NONE && counts[label as usize] >= least {
            let (x, y) = ((i % SIDE) as u32, (i / SIDE) as u32);
            found = [found[0].min(x), found[1].min(y), found[2].max(x + 1), found[3].max(y + 1)];
        }
    }
    found
}

fn core(sure: &Plane, glance: &Plane) -> Plane {
    let certain = |&sure: &f32| sure > CERTAIN;
    let doubt: Vec<bool> = sure.values.iter().map(|sure| !certain(sure)).collect();
    let near = grown(&doubt, SIDE, CERTAIN_REACH).into_iter().zip(&glance.values);
    let values = near.map(|(doubt, &glance)| if !doubt && glance > WITNESS { 1.0 } else { 0.0 });
    Plane::square(SIDE, values.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1 within `[left, top, right, bottom]` of a plane of `side`, else 0.
    fn block(side: usize, [left, top, right, bottom]: [usize; 4]) -> Plane {
        let inside = |i: usize| (left..right).contains(&(i % side)) && (top..bottom).contains(&(i / side));
        Plane::square(side, (0..side * side).map(|i| inside(i) as u8 as f32).collect())
    }

    const PERSON_AT: [usize; 4] = [100, 120, 140, 180];

    fn guide(seen: [usize; 4], person: f32, size: usize) -> Guide {
        Guide::new(1024, 1024, size, &block(SIDE, seen), Some((block(SIDE, PERSON_AT), person)))
    }

    #[test]
    fn a_person_that_both_see_is_looked_at_closely() {
        let guide = guide(PERSON_AT, 0.9, 320);
        assert_eq!(guide.window, Window::around([100, 120, 140, 180], 1024, 1024, 320));
        let core = guide.people.unwrap().core;
        assert_eq!(core.values.iter().sum::<f32>(), (36 * 56) as f32);
    }

    #[test]
    fn what_the_person_holds_is_in_the_window() {
        let guide = guide([100, 120, 152, 180], 0.9, 320);
        assert_eq!(guide.window, Window::around([100, 120, 152, 180], 1024, 1024, 320));
    }

    #[test]
    fn where_there_is_nobody_or_another_subject_the_whole_photo_is_seen() {
        let whole = Window::whole(1024, 1024);
        assert_eq!(guide(PERSON_AT, 0.9, 1024).window, whole, "it is seen in full");
        let other = guide([0, 0, 90, 90], 0.9, 320);
        assert_eq!(other.window, whole);
        assert_eq!(other.people.unwrap().core.values.iter().sum::<f32>(), 0.0, "the glance vetoes");
        assert!(guide(PERSON_AT, 0.1, 320).people.is_none(), "an animal");
        let speck = Some((block(SIDE, [3, 3, 13, 13]), 0.9));
        assert!(Guide::new(1024, 1024, 320, &block(SIDE, [3, 3, 13, 13]), speck).people.is_none(), "a speck");
    }
}
