//! How long ago workers sent heartbeats, by the monotonic clock.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use cameo_store::{Millis, Worker};

/// Remembers when each worker's heartbeat changed. The times in the store are those of the wall clock, which may jump.
#[derive(Debug, Default)]
pub struct HeartbeatMonitor(Mutex<HashMap<String, (Millis, Instant)>>);

impl HeartbeatMonitor {
    /// Returns how long ago the heartbeat of `worker` changed, or was first seen.
    pub fn age(&self, worker: &Worker) -> Duration {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (heartbeat, since) = seen.entry(worker.id.clone()).or_insert((worker.heartbeat_at, Instant::now()));
        if *heartbeat != worker.heartbeat_at {
            (*heartbeat, *since) = (worker.heartbeat_at, Instant::now());
        }
        since.elapsed()
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

    #[test]
    fn a_heartbeat_counts_when_it_changes_whatever_its_time_says() {
        let monitor = HeartbeatMonitor::default();
        let worker = |heartbeat_at| Worker { id: "w".into(), engine: "cpu".into(), ready: true, heartbeat_at };
        monitor.age(&worker(0));
        std::thread::sleep(Duration::from_millis(20));
        assert!(monitor.age(&worker(0)) >= Duration::from_millis(20));
        assert!(monitor.age(&worker(-7_200_000)) < Duration::from_millis(20), "the wall clock was put back");
        monitor.retain(&[]);
        assert!(monitor.0.lock().unwrap().is_empty());
    }
}
