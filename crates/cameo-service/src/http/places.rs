//! Limits on how many of something each of many keys may hold at once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts what each key holds, for example the connections of a client address. Clones share the counts.
#[derive(Clone)]
pub struct Places<K>(Arc<Mutex<HashMap<K, u64>>>);

impl<K> Default for Places<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Eq + Hash + Clone> Places<K> {
    /// Takes a place of `key` until the returned value is dropped; `None` if `max` are taken.
    pub fn take(&self, key: K, max: u64) -> Option<Place<K>> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(key.clone()).or_default();
        if *count >= max {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(Place { places: self.clone(), key })
    }
}

/// A place that is taken.
pub struct Place<K: Eq + Hash> {
    places: Places<K>,
    key: K,
}

impl<K: Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut counts = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_taken_until_they_are_dropped() {
        let places = Places::default();
        let first = places.take(1, 2);
        let second = places.take(1, 2);
        assert!(first.is_some() && second.is_some());
        assert!(places.take(1, 2).is_none());
        assert!(places.take(2, 2).is_some());
        drop(second);
        assert!(places.take(1, 2).is_some());
        drop(first);
        assert!(places.0.lock().unwrap().is_empty(), "nothing is kept of keys that hold nothing");
    }
}
