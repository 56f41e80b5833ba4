//! The run of one task, from its claim to its result or failure.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use cameo_core::pipeline::{self, EncodedResult};
use cameo_store::{Claim, Lease, StoreError, Task, TaskResult, now};
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::JoinHandle;

use super::context::WorkerContext;
use super::error::{TaskError, WorkerError};
use super::place::RunPlace;
use super::prefetch::{DecodedPhoto, PhotoLoad};
use super::progress::{RunProgress, StageWeights};

/// The run of one claimed task.
pub struct TaskRun {
    context: Arc<WorkerContext>,
    weights: Arc<StageWeights>,
    lease: Lease,
    task: Task,
}

/// How long a result is kept in memory while it cannot be stored because of an error that somebody has to repair, such
/// as a full disk: an operator gets this long. While the store is busy, it is kept for as long as a task may run.
const MAX_STORE_OUTAGE: Duration = Duration::from_secs(60);

/// How long it takes until a result that could not be stored is tried again.
const PUBLISH_RETRY: Duration = Duration::from_secs(5);

/// How the work on a task ended.
enum WorkEnd {
    Finished(Result<EncodedResult, TaskError>),
    /// The task was cancelled, or the lease was lost to another run.
    LeaseLost,
    /// The worker is stopping.
    Abandoned,
    Hung,
}

impl TaskRun {
    pub fn new(context: Arc<WorkerContext>, weights: Arc<StageWeights>, claim: Claim) -> Self {
        let Claim { lease, task } = claim;
        Self { context, weights, lease, task }
    }

    /// Runs the task, and renews its lease meanwhile, until `abandoned` turns true.
    ///
    /// # Errors
    /// [`WorkerError`] if the device failed or the task hangs. The task itself is taken care of.
    pub async fn run(
        self,
        load: PhotoLoad,
        engine: OwnedSemaphorePermit,
        place: RunPlace,
        abandoned: watch::Receiver<bool>,
    ) -> Result<(), WorkerError> {
        let Task { id, operation, attempts, .. } = &self.task;
        tracing::info!(task = %id, operation, attempt = attempts, prefetched = load.prefetched, "task started");
        let progress = load.progress.clone();
        let work = self.start(load, engine);
        match self.watch(work, &progress, abandoned).await {
            WorkEnd::Finished(Ok(encoded)) => {
                self.weights.learn(operation, &encoded.times);
                match self.publish_when_possible(encoded, place).await {
                    Ok(()) => Ok(()),
                    Err(error) => self.fail(error).await,
                }
            }
            WorkEnd::Finished(Err(error)) => self.fail(error).await,
            WorkEnd::LeaseLost => {
                tracing::info!(task = %id, "task stopped: it was cancelled, or its lease was lost");
                Ok(())
            }
            WorkEnd::Abandoned => {
                self.release().await;
                Ok(())
            }
            WorkEnd::Hung => {
                let secs = self.context.task_timeout.as_secs();
                self.fail(TaskError::TimedOut { secs }).await?;
                Err(WorkerError::TaskHung { task: self.task.id, secs })
            }
        }
    }

    /// Starts the work on blocking threads. The `engine` permit is returned as soon as the engine has done its part.
    fn start(&self, load: PhotoLoad, engine: OwnedSemaphorePermit) -> JoinHandle<Result<EncodedResult, TaskError>> {
        let handle = self.context.engine.clone();
        tokio::spawn(async move {
            let DecodedPhoto { image, permit } = load.photo().await?;
            let work = move || {
                let _permit = permit;
                let output = handle.run_stages(image)?;
                drop(engine);
                Ok(pipeline::encode_output(output)?)
            };
            tokio::task::spawn_blocking(work).await?
        })
    }

    /// Waits for the work, and renews the lease meanwhile.
    async fn watch(
        &self,
        mut work: JoinHandle<Result<EncodedResult, TaskError>>,
        progress: &RunProgress,
        mut abandoned: watch::Receiver<bool>,
    ) -> WorkEnd {
        let since = Instant::now();
        let mut lease_lost = false;
        loop {
            tokio::select! {
                result = &mut work => {
                    let result = result.unwrap_or_else(|error| Err(error.into()));
                    return if lease_lost { WorkEnd::LeaseLost } else { WorkEnd::Finished(result) };
                }
                () = tokio::time::sleep(self.context.heartbeat_period()) => {}
                // Without waiting for the running stage, which may take long.
                _ = abandoned.changed() => return WorkEnd::Abandoned,
            }
            if since.elapsed() > self.context.task_timeout {
                return WorkEnd::Hung;
            }
            if !lease_lost && self.renew(progress).await.is_err() {
                lease_lost = true;
                progress.cancel();
            }
        }
    }

    /// Renews the lease and reports the progress. A store that is unavailable for a moment loses no lease.
    async fn renew(&self, progress: &RunProgress) -> Result<(), StoreError> {
        let (fraction, stage) = self.weights.progress(&self.task.operation, progress);
        let duration = self.context.lease_ms();
        match self.context.store.renew(&self.lease, duration, fraction, stage, now()).await {
            Err(error @ StoreError::LeaseLost) => Err(error),
            Err(error) => {
                tracing::warn!(task = %self.task.id, %error, "the lease could not be renewed: trying again");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Publishes the result, and tries again while the store cannot take it: the work is done, and a full disk is no
    /// reason to do it again. A result that is too large for the room that is left lets other tasks run meanwhile.
    async fn publish_when_possible(&self, encoded: EncodedResult, mut place: RunPlace) -> Result<(), TaskError> {
        let result = task_result(&self.lease, &encoded);
        let ms = encoded.times.total_ms();
        let bytes = Bytes::from(encoded.bytes);
        let since = Instant::now();
        loop {
            let attempted = Instant::now();
            match self.publish(&result, bytes.clone(), ms).await {
                Err(error) if since.elapsed() < self.max_outage(&error) && place.leave(&error) => {
                    tracing::warn!(task = %self.task.id, %error, "the result could not be stored: trying again");
                }
                Err(error) => return Err(TaskError::NotStored(error)),
                Ok(()) => return Ok(()),
            }
            while attempted.elapsed() < PUBLISH_RETRY {
                tokio::time::sleep(self.context.heartbeat_period().min(PUBLISH_RETRY)).await;
                // No error but the loss of the lease ends the attempts.
                let duration = self.context.lease_ms();
                let renewed = self.context.store.renew(&self.lease, duration, 1.0, "encode", now()).await;
                if matches!(renewed, Err(StoreError::LeaseLost)) {
                    tracing::info!(task = %self.task.id, "result discarded: the lease was lost");
                    return Ok(());
                }
            }
        }
    }

    /// Returns how long a change is repeated that fails with this error.
    fn max_outage(&self, error: &StoreError) -> Duration {
        if error.is_temporary() { self.context.task_timeout } else { MAX_STORE_OUTAGE }
    }

    /// Stores the result: the file first, then the row. A file that the row does not accept is deleted.
    async fn publish(&self, result: &TaskResult, bytes: Bytes, ms: f64) -> Result<(), StoreError> {
        let WorkerContext { store, blobs, engine, .. } = &*self.context;
        blobs.put(&result.blob_key, bytes).await?;
        match store.finish(&self.lease, result, engine.name, now()).await {
            Ok(()) => {}
            Err(StoreError::LeaseLost) => {
                // It may be lost because an earlier attempt was committed although it reported an error.
                let task = store.task(self.task.id).await?;
                let is_published = task.and_then(|task| task.result).is_some_and(|own| own.blob_key == result.blob_key);
                if !is_published {
                    tracing::info!(task = %self.task.id, "result discarded: the lease was lost");
                    return blobs.delete(&result.blob_key).await;
                }
            }
            Err(error) => return Err(error),
        }
        tracing::info!(task = %self.task.id, ms, "task completed");
        self.delete_photo().await;
        Ok(())
    }

    /// Ends the run with a failure, which is retried if another run may succeed.
    ///
    /// # Errors
    /// [`WorkerError::Device`] if the device failed: everything that follows would be untrustworthy.
    async fn fail(&self, error: TaskError) -> Result<(), WorkerError> {
        tracing::warn!(task = %self.task.id, %error, "task failed");
        match self.store_failure(&error).await {
            Ok(false) => self.delete_photo().await,
            Ok(true) | Err(StoreError::LeaseLost) => {}
            Err(error) => {
                tracing::error!(task = %self.task.id, %error, "the failure could not be stored: the task runs again \
                    when its lease has expired");
            }
        }
        match error {
            TaskError::Pipeline(error) if error.is_device_failure() => Err(WorkerError::Device(error)),
            _ => Ok(()),
        }
    }

    /// Stores a failure, and tries again while the store is busy. Returns whether the task will run again.
    async fn store_failure(&self, error: &TaskError) -> Result<bool, StoreError> {
        let since = Instant::now();
        loop {
            match self.context.store.fail(&self.lease, &error.failure(), error.is_retryable(), now()).await {
                Err(busy) if busy.is_temporary() && since.elapsed() < self.max_outage(&busy) => {
                    tracing::warn!(task = %self.task.id, %busy, "the failure could not be stored: trying again");
                    tokio::time::sleep(self.context.heartbeat_period()).await;
                }
                stored => return stored,
            }
        }
    }

    /// Returns the task to the queue.
    async fn release(&self) {
        match self.context.store.release(&self.lease).await {
            Ok(()) => tracing::info!(task = %self.task.id, "task returned to the queue"),
            Err(StoreError::LeaseLost) => {}
            Err(error) => {
                tracing::warn!(task = %self.task.id, %error, "the task waits until its lease has expired");
            }
        }
    }

    /// Deletes the photo of a task that is over. If that fails, the reconciler does it.
    async fn delete_photo(&self) {
        if let Err(error) = self.context.blobs.delete(&Task::input_key(self.task.id)).await {
            tracing::warn!(task = %self.task.id, %error, "the photo could not be deleted");
        }
    }
}

fn task_result(lease: &Lease, encoded: &EncodedResult) -> TaskResult {
    let rounded = |ms: f64| (ms * 1e3).round() / 1e3;
    TaskResult {
        blob_key: lease.output_key(),
        bytes: encoded.bytes.len() as u64,
        sha256: hex::encode(Sha256::digest(&encoded.bytes)),
        width: encoded.width,
        height: encoded.height,
        stages: encoded.times.stages().map(|(stage, ms)| (stage.to_string(), rounded(ms))).collect(),
        matte_uncertainty: encoded.report.map(|report| report.matte_uncertainty),
        foreground: encoded.report.and_then(|report| report.foreground).map(Into::into),
    }
}
