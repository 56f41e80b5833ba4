//! Slows down password guessing: failed log-ins fill a bucket that leaks over time, and a full bucket refuses.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{AcquireError, Semaphore, SemaphorePermit};

/// Password checks at once: each takes 19 MiB and a core for tens of milliseconds.
const MAX_CHECKS: usize = 2;

/// Buckets kept at once. When there are more, those that have leaked empty are dropped.
const MAX_BUCKETS: usize = 10_000;

/// Characters of a name that count for its bucket: names are as long as the caller likes.
const MAX_ACCOUNT_CHARS: usize = 200;

/// Limits failed log-ins by account and by client address, and password checks at once.
pub struct LoginThrottle {
    accounts: LeakyBuckets<String>,
    addresses: LeakyBuckets<IpAddr>,
    checks: Semaphore,
}

impl Default for LoginThrottle {
    fn default() -> Self {
        Self {
            accounts: LeakyBuckets::new(10, Duration::from_secs(30)),
            addresses: LeakyBuckets::new(30, Duration::from_secs(10)),
            checks: Semaphore::new(MAX_CHECKS),
        }
    }
}

impl LoginThrottle {
    /// Returns the seconds to wait before the next attempt, or `None` if it may be made now.
    pub fn retry_after(&self, account: &str, address: IpAddr, now: Instant) -> Option<u64> {
        let by_account = self.accounts.retry_after(&account_key(account), now);
        by_account.max(self.addresses.retry_after(&address, now))
    }

    pub fn record_failure(&self, account: &str, address: IpAddr, now: Instant) {
        self.accounts.add(account_key(account), now);
        self.addresses.add(address, now);
    }

    /// Waits for the right to check a password.
    pub async fn check_permit(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        self.checks.acquire().await
    }
}

/// The key of an account's bucket. Names are unique whatever their case.
fn account_key(name: &str) -> String {
    name.to_lowercase().chars().take(MAX_ACCOUNT_CHARS).collect()
}

/// One leaky bucket per key.
struct LeakyBuckets<K> {
    /// Failures that fill a bucket.
    capacity: f64,
    /// Time in which one failure leaks out.
    leak: Duration,
    /// The level of each bucket, and when it was measured.
    buckets: Mutex<HashMap<K, (f64, Instant)>>,
}

impl<K: Eq + Hash> LeakyBuckets<K> {
    fn new(capacity: u32, leak: Duration) -> Self {
        Self { capacity: capacity.into(), leak, buckets: Mutex::default() }
    }

    fn retry_after(&self, key: &K, now: Instant) -> Option<u64> {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let excess = self.level(*buckets.get(key)?, now) - self.capacity + 1.0;
        (excess > 0.0).then(|| (excess * self.leak.as_secs_f64()).ceil() as u64)
    }

    fn add(&self, key: K, now: Instant) {
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
    fn failures_fill_a_bucket_and_time_empties_it() {
        let buckets = LeakyBuckets::new(3, Duration::from_secs(10));
        let now = Instant::now();
        for _ in 0..3 {
            assert_eq!(buckets.retry_after(&"ann", now), None);
            buckets.add("ann", now);
        }
        assert_eq!(buckets.retry_after(&"ann", now), Some(10));
        assert_eq!(buckets.retry_after(&"bob", now), None);
        assert_eq!(buckets.retry_after(&"ann", now + Duration::from_secs(11)), None);
    }

    #[test]
    fn an_account_is_throttled_from_every_address_and_whatever_its_case() {
        let throttle = LoginThrottle::default();
        let now = Instant::now();
        for host in 0..10 {
            throttle.record_failure("Ann", [10, 0, 0, host].into(), now);
        }
        let elsewhere = [10, 0, 1, 1].into();
        assert_eq!(throttle.retry_after("ANN", elsewhere, now), Some(30));
        assert_eq!(throttle.retry_after("bob", elsewhere, now), None);
    }
}
