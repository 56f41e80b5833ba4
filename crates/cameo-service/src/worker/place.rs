//! The place that a task takes while it runs.

use std::sync::Arc;

use cameo_store::StoreError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// With less room than this on the disk, hardly any result can be stored.
const ROOM_FOR_OTHERS_BYTES: u64 = 16 << 20;

/// One of the few places for tasks that run. A task whose result is too large for the room on the disk leaves it, and
/// waits outside.
pub struct RunPlace {
    _place: OwnedSemaphorePermit,
    /// Has a permit for each task that may wait outside; `None` for one that does.
    outside: Option<Arc<Semaphore>>,
}

impl RunPlace {
    pub fn new(place: OwnedSemaphorePermit, outside: Arc<Semaphore>) -> Self {
        Self { _place: place, outside: Some(outside) }
    }

    /// Leaves the place if the result could not be stored because of this error and those of other tasks can. Returns
    /// false if too many wait outside already, so that this one must be given up.
    pub fn leave(&mut self, error: &StoreError) -> bool {
        let others_have_room = matches!(error, StoreError::NoRoom { free, .. } if *free >= ROOM_FOR_OTHERS_BYTES);
        let outside = self.outside.take_if(|_| others_have_room);
        match outside.map(Semaphore::try_acquire_owned) {
            None => true,
            Some(Ok(permit)) => {
                self._place = permit;
                true
            }
            Some(Err(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_that_alone_lack_room_wait_outside_as_far_as_they_may() {
        let (places, outside) = (Arc::new(Semaphore::new(1)), Arc::new(Semaphore::new(1)));
        let place = || RunPlace::new(places.clone().try_acquire_owned().unwrap(), outside.clone());
        let no_room = |free| StoreError::NoRoom { needed: 1 << 30, free };
        let mut first = place();
        for error in [no_room(5), StoreError::Busy] {
            assert!(first.leave(&error));
            assert_eq!(places.available_permits(), 0, "the others cannot store results either: {error}");
        }
        assert!(first.leave(&no_room(1 << 29)));
        assert!(first.leave(&no_room(1 << 29)), "it waits already");
        let mut second = place();
        assert!(!second.leave(&no_room(1 << 29)));
        drop(first);
        assert_eq!(outside.available_permits(), 1);
    }
}
