//! How many pixels may be in work at once, whatever the sizes of the images are.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::{Bounds, Recipe};
use crate::codec::Header;

/// A number of pixels, shared by the images in work: each takes those of its photo and of its result before it is
/// decoded, and gives them back once its result is written or nobody wants it any more.
#[derive(Debug)]
pub struct Budget(Arc<Room>);

#[derive(Debug)]
struct Room {
    whole: u64,
    free: Mutex<u64>,
    given: Condvar,
    /// Held by who waits, so that a large image is not passed by smaller ones for ever.
    turn: Mutex<()>,
}

/// What one image has taken of a [`Budget`]; given back when dropped.
#[derive(Debug)]
pub struct Share {
    room: Arc<Room>,
    pixels: u64,
}

impl Budget {
    /// Of `whole` pixels; of none, every image is alone.
    pub fn new(whole: u64) -> Self {
        let whole = whole.max(1);
        Self(Arc::new(Room { whole, free: Mutex::new(whole), given: Condvar::new(), turn: Mutex::new(()) }))
    }

    /// Waits until so many pixels are free, and takes them. What is larger than the whole takes the whole, and so is
    /// alone.
    pub fn take(&self, pixels: u64) -> Share {
        let room = &self.0;
        let pixels = pixels.min(room.whole);
        let _turn = room.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let free = room.free.lock().unwrap_or_else(PoisonError::into_inner);
        let free = room.given.wait_while(free, |free| *free < pixels);
        *free.unwrap_or_else(PoisonError::into_inner) -= pixels;
        Share { room: room.clone(), pixels }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        *self.room.free.lock().unwrap_or_else(PoisonError::into_inner) += self.pixels;
        self.room.given.notify_all();
    }
}

/// The pixels of a photo and of what `recipe` makes of it; none, if it makes nothing of it.
pub fn pixels(header: Header, recipe: &Recipe, bounds: &Bounds) -> Option<u64> {
    let result = recipe.enhancement(header.width, header.height, bounds.output.0).ok()?;
    Some(header.width as u64 * header.height as u64 + result.width as u64 * result.height as u64)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;

    use super::*;
    use crate::pipeline::Job;

    #[test]
    fn no_more_is_in_work_than_the_budget_has_and_every_image_gets_its_turn() {
        let budget = Budget::new(10);
        let (in_work, done) = (AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            for index in 0..64 {
                let (budget, in_work, done) = (&budget, &in_work, &done);
                scope.spawn(move || {
                    let pixels = [1, 3, 7, 10][index % 4];
                    let _share = budget.take(pixels);
                    let now = in_work.fetch_add(pixels, Ordering::SeqCst) + pixels;
                    assert!(now <= 10, "{now}");
                    thread::yield_now();
                    in_work.fetch_sub(pixels, Ordering::SeqCst);
                    done.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        assert_eq!((done.into_inner(), *budget.0.free.lock().unwrap()), (64, 10));
    }

    #[test]
    fn what_is_larger_than_the_budget_takes_it_whole() {
        for whole in [0, 10] {
            let budget = Budget::new(whole);
            let share = budget.take(11);
            assert_eq!(*budget.0.free.lock().unwrap(), 0);
            drop(share);
            assert_eq!(*budget.0.free.lock().unwrap(), whole.max(1));
        }
    }

    #[test]
    fn an_image_is_worth_its_photo_and_its_result() {
        let worth = |recipe: Recipe| pixels(Header { width: 100, height: 51 }, &recipe, &Bounds::default());
        assert_eq!(worth(Recipe::new(Job::Combo)), Some(5_100 + 200 * 102));
        assert_eq!(worth(Recipe::new(Job::Cutout)), Some(2 * 5_100));
        assert_eq!(worth(Recipe { scale: Some(9.0), ..Recipe::new(Job::Combo) }), None);
    }
}
