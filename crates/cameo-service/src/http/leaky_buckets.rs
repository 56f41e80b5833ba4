//! Leaky buckets: limits on how often something may happen, for each of many keys.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// Entries of each kind that are kept at once.
const MAX_ENTRIES: usize = 10_000;

/// Inserts an entry. If there are too many, the one of the highest `age` goes.
pub fn insert_bounded<K: Eq + Hash + Clone, V>(
    map: &mut HashMap<K, V>,
    key: K,
    value: V,
    age: impl Fn(&V) -> Duration,
) {
    if map.len() >= MAX_ENTRIES && !map.contains_key(&key) {
        let oldest = map.iter().max_by_key(|(_, value)| age(value)).map(|(key, _)| key.clone());
        oldest.map(|key| map.remove(&key));
    }
    map.insert(key, value);
}

/// Whether one more log-in may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Room {
    Free,
    /// If all that run fail, the bucket is full.
    Busy,
    /// Too many have failed.
    Full {
        retry_after_secs: u64,
    },
}

/// One leaky bucket per key, which failures fill.
pub struct LeakyBuckets<K> {
    /// Failures that fill a bucket.
    capacity: f64,
    /// Time in which one failure leaks out.
    leak: Duration,
    buckets: HashMap<K, Bucket>,
}

pub struct Bucket {
    /// Failures at `since`, which leak since then.
    level: f64,
    since: Instant,
    /// Log-ins that are not over.
    pub running: u32,
}

impl<K: Eq + Hash + Clone> LeakyBuckets<K> {
    pub fn new(capacity: u32, leak: Duration) -> Self {
        Self { capacity: capacity.into(), leak, buckets: HashMap::new() }
    }

    pub fn room(&self, key: &K, now: Instant) -> Room {
        let Some(bucket) = self.buckets.get(key) else { return Room::Free };
        let level = self.level(bucket, now);
        let excess = level + 1.0 - self.capacity;
        if excess > 0.0 {
            return Room::Full { retry_after_secs: (excess * self.leak.as_secs_f64()).ceil() as u64 };
        }
        if excess + f64::from(bucket.running) > 0.0 { Room::Busy } else { Room::Free }
    }

    /// Returns the bucket of `key`, its level as of `now`.
    pub fn bucket(&mut self, key: K, now: Instant) -> &mut Bucket {
        // Times may come out of order: several threads take them.
        let (level, since, running) = self
            .buckets
            .get(&key)
            .map_or((0.0, now, 0), |bucket| (self.level(bucket, now), bucket.since.max(now), bucket.running));
        let leak = self.leak;
        // The bucket that has been empty for the longest time is the oldest.
        let age = |bucket: &Bucket| {
            let lifetime = leak.mul_f64(bucket.level + f64::from(bucket.running));
            now.duration_since(bucket.since).saturating_sub(lifetime)
        };
        insert_bounded(&mut self.buckets, key.clone(), Bucket { level, since, running }, age);
        self.buckets.get_mut(&key).expect("it was inserted")
    }

    /// Ends a log-in.
    pub fn end(&mut self, key: &K, failed: bool, now: Instant) {
        let capacity = self.capacity;
        let bucket = self.bucket(key.clone(), now);
        bucket.running = bucket.running.saturating_sub(1);
        bucket.level = (bucket.level + f64::from(u8::from(failed))).min(capacity);
    }

    fn level(&self, bucket: &Bucket, now: Instant) -> f64 {
        (bucket.level - now.duration_since(bucket.since).as_secs_f64() / self.leak.as_secs_f64()).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_whatever_names_are_tried() {
        let mut buckets = LeakyBuckets::new(3, Duration::from_secs(10));
        let now = Instant::now();
        for key in [0, 0].into_iter().chain(1..=MAX_ENTRIES) {
            buckets.end(&key, true, now);
        }
        let later = now + Duration::from_secs(15);
        assert_eq!(buckets.room(&0, now), Room::Free);
        buckets.end(&(MAX_ENTRIES + 1), true, later);
        assert_eq!(buckets.buckets.len(), MAX_ENTRIES);
        assert!(buckets.buckets.contains_key(&0), "the fullest bucket stays");
    }
}
