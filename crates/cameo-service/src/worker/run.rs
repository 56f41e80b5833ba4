//! The loop of a worker: claims tasks, runs them, and sends heartbeats.

use std::sync::Arc;
use std::time::Duration;

use cameo_store::{StoreError, Worker, now};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use super::context::WorkerContext;
use super::error::WorkerError;
use super::place::RunPlace;
use super::prefetch::{Prefetch, WorkerPlace};
use super::progress::StageWeights;
use super::task::TaskRun;

/// How often an idle worker looks for a task.
const IDLE_PERIOD: Duration = Duration::from_millis(50);

/// How often a busy worker looks which task is next.
const PREFETCH_PERIOD: Duration = Duration::from_millis(100);

/// Pause after a task could not be claimed because the store failed.
const STORE_PAUSE: Duration = Duration::from_millis(500);

/// Tasks that run at once: one has the engine, and the one before it is being encoded and stored.
const MAX_RUNNING: usize = 2;

/// How many tasks may wait for disk space without occupying a place. Each of them holds its result in memory.
const MAX_OUTSIDE: usize = 2;

/// Runs tasks until `stop` turns true. Tasks that run then are returned to the queue.
///
/// Threads that compute for a returned or cancelled task may still run when this returns: the process should exit.
///
/// # Errors
/// [`WorkerError`] if the device failed or a task hangs. The process must exit then, and be replaced.
pub async fn run(context: WorkerContext, stop: watch::Receiver<bool>) -> Result<(), WorkerError> {
    let context = Arc::new(context);
    let (abandon, abandoned) = watch::channel(false);
    let heartbeats = tokio::spawn(send_heartbeats(context.clone(), abandoned.clone()));
    let mut worker = WorkerLoop {
        context: context.clone(),
        weights: Arc::default(),
        engine: Arc::new(Semaphore::new(1)),
        places: Arc::new(Semaphore::new(MAX_RUNNING)),
        outside: Arc::new(Semaphore::new(MAX_OUTSIDE)),
        running: JoinSet::new(),
        prefetch: Prefetch::default(),
        abandoned,
    };
    let result = worker.serve(stop).await;
    // What still runs is returned to the queue.
    let _ = abandon.send(true);
    while let Some(ended) = worker.running.join_next().await {
        // The reason of the first error is the one to report.
        let _ = task_outcome(ended);
    }
    // A heartbeat after that would register the worker again.
    let _ = heartbeats.await;
    if let Err(error) = context.store.deregister(&context.id).await {
        tracing::warn!(%error, "the worker could not be deregistered");
    }
    result
}

struct WorkerLoop {
    context: Arc<WorkerContext>,
    weights: Arc<StageWeights>,
    /// Has one permit, the right to use the engine. No task is claimed without it: a task that would wait here may run
    /// on another worker instead.
    engine: Arc<Semaphore>,
    /// Has a permit for each task that may run.
    places: Arc<Semaphore>,
    /// Has a permit for each task that may wait for room on the disk without a place.
    outside: Arc<Semaphore>,
    /// What runs or waits.
    running: JoinSet<Result<(), WorkerError>>,
    prefetch: Prefetch,
    /// Turns true when running tasks should be returned to the queue.
    abandoned: watch::Receiver<bool>,
}

impl WorkerLoop {
    /// Claims and starts tasks until `stop` turns true.
    async fn serve(&mut self, mut stop: watch::Receiver<bool>) -> Result<(), WorkerError> {
        let mut prefetches = delayed_interval(PREFETCH_PERIOD);
        while !*stop.borrow() {
            let permits = tokio::select! {
                biased;
                Some(ended) = self.running.join_next() => {
                    task_outcome(ended)?;
                    continue;
                }
                _ = stop.changed() => break,
                Ok(permits) = acquire_both(self.places.clone(), self.engine.clone()) => permits,
                _ = prefetches.tick() => {
                    if let Err(error) = self.prefetch_next().await {
                        warn_unavailable(&error);
                    }
                    continue;
                }
            };
            if let Some(pause) = self.claim(permits).await {
                let _ = timeout(pause, stop.changed()).await;
            }
        }
        Ok(())
    }

    /// Claims a task and starts it. Returns how long to pause if there was none.
    async fn claim(&mut self, [place, engine]: [OwnedSemaphorePermit; 2]) -> Option<Duration> {
        let context = &self.context;
        match context.store.claim(&context.id, self.prefetch.preferred(), context.lease_ms(), now()).await {
            Ok(Some(claim)) => {
                let load = self.prefetch.take(context, &claim.task);
                let place = RunPlace::new(place, self.outside.clone());
                let run = TaskRun::new(context.clone(), self.weights.clone(), claim);
                self.running.spawn(run.run(load, engine, place, self.abandoned.clone()));
                None
            }
            Ok(None) => {
                self.prefetch.clear();
                Some(IDLE_PERIOD)
            }
            Err(error) => {
                warn_unavailable(&error);
                Some(STORE_PAUSE)
            }
        }
    }

    /// Loads the photo of one of the next tasks, as the queue is now.
    async fn prefetch_next(&mut self) -> Result<(), StoreError> {
        if self.prefetch.is_allowed() {
            let WorkerContext { id, store, .. } = &*self.context;
            let place = WorkerPlace::new(id, &store.workers().await?);
            let queue = store.peek(place.tasks_to_look_at(), now()).await?;
            self.prefetch.set_next(&self.context, &queue, place);
        }
        Ok(())
    }
}

async fn acquire_both(
    place: Arc<Semaphore>,
    engine: Arc<Semaphore>,
) -> Result<[OwnedSemaphorePermit; 2], AcquireError> {
    Ok([place.acquire_owned().await?, engine.acquire_owned().await?])
}

/// Tells the store that the worker is alive, until `stopped` changes. The worker loop does not wait for it: the store
/// may be slow.
async fn send_heartbeats(context: Arc<WorkerContext>, mut stopped: watch::Receiver<bool>) {
    let WorkerContext { id, server, engine, store, .. } = &*context;
    let mut ticks = delayed_interval(context.heartbeat_period());
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stopped.changed() => return,
        }
        let (id, server, engine) = (id.clone(), server.clone(), engine.name.to_string());
        if let Err(error) = store.heartbeat(&Worker { id, server, engine, ready: true, heartbeat_at: now() }).await {
            warn_unavailable(&error);
        }
    }
}

/// Returns an interval whose ticks do not catch up after a delay.
fn delayed_interval(period: Duration) -> Interval {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

fn warn_unavailable(error: &StoreError) {
    tracing::warn!(%error, "the store is unavailable: trying again");
}

/// Returns how a task ended. If its future panicked, the task runs again when its lease has expired.
fn task_outcome(ended: Result<Result<(), WorkerError>, JoinError>) -> Result<(), WorkerError> {
    ended.unwrap_or_else(|error| {
        tracing::error!(%error, "a task was lost: it runs again when its lease has expired");
        Ok(())
    })
}
