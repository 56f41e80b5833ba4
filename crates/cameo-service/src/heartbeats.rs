//! How long ago workers sent heartbeats, by the monotonic clock.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use cameo_store::{Millis, Worker, now};

/// Remembers when each worker's heartbeat changed. The times in the store are those of the wall clock, which may jump.
#[derive(Debug, Default)]
pub struct HeartbeatMonitor(Mutex<HashMap<String, Sighting>>);

/// A heartbeat as it was first seen.
#[derive(Debug)]
struct Sighting {
    heartbeat_at: Millis,
    seen_at: Instant,
    /// How old it was then.
    age: Duration,
}

impl HeartbeatMonitor {
    /// Returns how long ago the heartbeat of `worker` changed. A heartbeat that has not changed since the worker was
    /// first seen is as old as its time says: the worker may have died long before.
    pub fn age(&self, worker: &Worker) -> Duration {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let heartbeat_at = worker.heartbeat_at;
        let sighting = seen.entry(worker.id.clone()).or_insert_with(|| Sighting {
            heartbeat_at,
            seen_at: Instant::now(),
            age: Duration::from_millis(now().saturating_sub(heartbeat_at).max(0) as u64),
        });
        if sighting.heartbeat_at != heartbeat_at {
            *sighting = Sighting { heartbeat_at, seen_at: Instant::now(), age: Duration::ZERO };
        }
        sighting.age + sighting.seen_at.elapsed()
    }

    /// Forgets all workers but these.
    pub fn retain(&self, workers: &[Worker]) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|id, _| workers.iter().any(|worker| worker.id == *id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(heartbeat_at: Millis) -> Worker {
        Worker { id: "w".into(), server: None, engine: "cpu".into(), ready: true, heartbeat_at }
    }

    #[test]
    fn a_heartbeat_counts_when_it_changes_whatever_its_time_says() {
        let monitor = HeartbeatMonitor::default();
        let heartbeat_at = now();
        monitor.age(&worker(heartbeat_at));
        std::thread::sleep(Duration::from_millis(20));
        assert!(monitor.age(&worker(heartbeat_at)) >= Duration::from_millis(20));
        assert!(monitor.age(&worker(-7_200_000)) < Duration::from_millis(20), "the wall clock was put back");
        monitor.retain(&[]);
        assert!(monitor.0.lock().unwrap().is_empty());
    }

    #[test]
    fn a_heartbeat_from_before_counts_from_its_time_until_it_changes() {
        let monitor = HeartbeatMonitor::default();
        let an_hour_ago = now() - 3_600_000;
        assert!(monitor.age(&worker(an_hour_ago)) >= Duration::from_secs(3600));
        assert!(monitor.age(&worker(an_hour_ago + 500)) < Duration::from_secs(1));
        assert!(HeartbeatMonitor::default().age(&worker(now() + 60_000)) < Duration::from_secs(1));
    }
}
