//! Work that occupies a core for a while, outside of the threads that serve connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

/// Why a piece of work was not done.
#[derive(Debug, thiserror::Error)]
pub enum CpuWorkError {
    #[error("too many requests of this kind wait: try again")]
    Busy,
    #[error("a piece of work ended early: {0}")]
    Ended(String),
}

/// Runs one kind of work on other threads, a few pieces at once.
pub struct CpuWork {
    /// One permit for each piece that runs. A piece keeps its permit until it is done: it goes on when its client
    /// disconnects, although the request that waits for it is dropped.
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    max_waiting: usize,
}

impl CpuWork {
    /// At most `max_running` pieces run at once, and `max_waiting` requests wait for their turn.
    pub fn new(max_running: usize, max_waiting: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(max_running)), waiting: AtomicUsize::new(0), max_waiting }
    }

    /// Runs `work` when it is its turn.
    ///
    /// # Errors
    /// [`CpuWorkError::Busy`] if too many requests wait already; [`CpuWorkError::Ended`] if `work` panics.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, CpuWorkError> {
        let place = Place::take(&self.waiting, self.max_waiting).ok_or(CpuWorkError::Busy)?;
        let ended = |error: &dyn std::fmt::Display| CpuWorkError::Ended(error.to_string());
        let permit = self.permits.clone().acquire_owned().await.map_err(|error| ended(&error))?;
        drop(place);
        let work = move || {
            let _permit = permit;
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| ended(&error))
    }
}

/// The place of a request that waits for its turn.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, max: usize) -> Option<Self> {
        let place = Self(waiting);
        (waiting.fetch_add(1, Ordering::Relaxed) < max).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn work_keeps_its_permit_when_its_request_is_dropped() {
        let pool = CpuWork::new(1, 1);
        let (finish, finished) = mpsc::channel::<()>();
        let (started, mut has_started) = tokio::sync::mpsc::channel(1);
        let first = pool.run(move || {
            started.blocking_send(()).unwrap();
            let _ = finished.recv();
        });
        tokio::select! {
            _ = first => panic!("the first piece waits for the channel"),
            _ = has_started.recv() => {}
        }
        // The request of the first piece is dropped now, but the piece runs: the second has to wait.
        let second = pool.run(|| 2);
        tokio::pin!(second);
        assert!(tokio::time::timeout(std::time::Duration::from_millis(100), &mut second).await.is_err());
        assert!(pool.run(|| 3).await.is_err(), "one request waits, which is the most allowed");
        finish.send(()).unwrap();
        assert_eq!(second.await.unwrap(), 2);
    }
}
