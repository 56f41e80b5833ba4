//! Slows down who fails to log in: failures fill a bucket that leaks with time, and a full one refuses.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Buckets kept at most: beyond, those that have leaked empty are dropped.
const MAX_BUCKETS: usize = 10_000;

/// Failures by key.
pub struct Throttle<K> {
    /// Failures before it refuses.
    capacity: f64,
    /// Time in which one is forgotten.
    leak: Duration,
    buckets: Mutex<HashMap<K, (f64, Instant)>>,
}

impl<K: Eq + Hash> Throttle<K> {
    pub fn new(capacity: u32, leak: Duration) -> Self {
        Self { capacity: capacity.into(), leak, buckets: Mutex::default() }
    }

    /// Seconds to wait before the next try; `None` if it may be now.
    pub fn wait(&self, key: &K, now: Instant) -> Option<u64> {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let over = self.level(*buckets.get(key)?, now) - self.capacity + 1.0;
        (over > 0.0).then(|| (over * self.leak.as_secs_f64()).ceil() as u64)
    }

    pub fn failed(&self, key: K, now: Instant) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_BUCKETS {
            buckets.retain(|_, bucket| self.level(*bucket, now) > 0.0);
        }
        let bucket = buckets.entry(key).or_insert((0.0, now));
        *bucket = (self.level(*bucket, now) + 1.0, now);
    }

    fn level(&self, (level, since): (f64, Instant), now: Instant) -> f64 {
        (level - now.duration_since(since).as_secs_f64() / self.leak.as_secs_f64()).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_fill_the_bucket_and_time_empties_it() {
        let throttle = Throttle::new(3, Duration::from_secs(10));
        let now = Instant::now();
        for _ in 0..3 {
            assert_eq!(throttle.wait(&"ann", now), None);
            throttle.failed("ann", now);
        }
        assert_eq!(throttle.wait(&"ann", now), Some(10));
        assert_eq!(throttle.wait(&"bob", now), None);
        assert_eq!(throttle.wait(&"ann", now + Duration::from_secs(11)), None);
    }
}
