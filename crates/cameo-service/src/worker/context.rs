//! What a worker is given when it starts.

use std::sync::Arc;
use std::time::Duration;

use cameo_core::pipeline::{EngineHandle, PixelBudget, ProcessingLimits};
use cameo_store::{Blobs, Millis, Store};

/// The period at which a run reports its progress, unless its lease needs a shorter one.
const PROGRESS_PERIOD: Duration = Duration::from_millis(500);

/// The store, the engine and the settings of a worker.
pub struct WorkerContext {
    /// The worker's id in the store.
    pub id: String,
    /// The host of the server that started it; `None` if it was started by hand.
    pub server: Option<String>,
    pub store: Arc<dyn Store>,
    pub blobs: Blobs,
    pub engine: EngineHandle,
    pub limits: ProcessingLimits,
    /// Limits the pixels of all photos in memory: of running tasks, and of the next one.
    pub budget: PixelBudget,
    /// A worker that sends no heartbeat for this long is considered dead.
    pub lease: Duration,
    /// A task that runs longer is considered hung.
    pub task_timeout: Duration,
}

impl WorkerContext {
    pub(super) fn lease_ms(&self) -> Millis {
        self.lease.as_millis() as Millis
    }

    /// The period of heartbeats and of renewing leases: two in a row may be late before a lease expires.
    pub fn heartbeat_period(&self) -> Duration {
        (self.lease / 4).min(PROGRESS_PERIOD)
    }
}
