//! Claim, run, beat, finish.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use cameo_tasks::{Blobs, Claim, Failure, Lease, Millis, Outcome, Store, Task, Worker, now};
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::EXIT_ENGINE;
use crate::error::{Error, Fault, Result};
use crate::pipeline::{self, Bounds, Handle, Recipe};

/// How often an idle worker looks for a task.
const PERIOD: Duration = Duration::from_millis(50);

/// How often progress is told.
const PROGRESS: Duration = Duration::from_millis(500);

/// What a worker needs.
pub struct Plan {
    /// Its name among the workers.
    pub id: String,
    pub store: Arc<dyn Store>,
    pub blobs: Blobs,
    pub engine: Handle,
    pub bounds: Bounds,
    pub lease: Duration,
    pub task_timeout: Duration,
}

/// Runs tasks until `stop` turns true. A task that runs then is given back.
///
/// # Errors
/// If the store fails, or the engine: then the process must end, so that another takes its place.
pub async fn run(plan: Plan, mut stop: watch::Receiver<bool>) -> Result<()> {
    let mut shares = Shares::default();
    let mut told: Option<Instant> = None;
    while !*stop.borrow() {
        if told.is_none_or(|at| at.elapsed() >= plan.beat_period()) {
            plan.tell().await?;
            told = Some(Instant::now());
        }
        let claim = plan.store.claim(&plan.id, plan.lease_ms(), now()).await.map_err(stored)?;
        let Some(claim) = claim else {
            let _ = tokio::time::timeout(PERIOD, stop.changed()).await;
            continue;
        };
        plan.take(claim, &mut shares, &mut stop).await?;
        told = None;
    }
    plan.store.gone(&plan.id).await.map_err(stored)
}

impl Plan {
    fn lease_ms(&self) -> Millis {
        self.lease.as_millis() as Millis
    }

    /// Often enough that two beats may be late.
    fn beat_period(&self) -> Duration {
        self.lease / 4
    }

    async fn tell(&self) -> Result<()> {
        let worker = Worker { id: self.id.clone(), engine: self.engine.name.into(), ready: true, beat_at: now() };
        self.store.tell(&worker).await.map_err(stored)
    }

    /// Runs one task, and beats while it runs.
    async fn take(&self, claim: Claim, shares: &mut Shares, stop: &mut watch::Receiver<bool>) -> Result<()> {
        let Claim { lease, task } = claim;
        tracing::info!(task = %task.id, kind = task.kind, attempt = task.attempts, "began");
        let track = Arc::new(Track::default());
        let mut work = self.start(&task, track.clone());
        let since = Instant::now();
        let mut lost = false;
        let done = loop {
            tokio::select! {
                done = &mut work => break done.unwrap_or_else(|error| Err(failed(error))),
                () = tokio::time::sleep(self.beat_period().min(PROGRESS)) => {}
                // Given back at once: nobody knows how long the stage that runs will take.
                _ = stop.changed() => return self.give_back(&lease).await,
            }
            if since.elapsed() > self.task_timeout {
                return self.hung(&lease).await;
            }
            if !lost {
                let (progress, stage) = shares.progress(&task.kind, &track);
                let beat = self.store.beat(&lease, self.lease_ms(), progress, stage, now()).await;
                lost = beat.is_err();
                track.stop.store(lost, Ordering::Relaxed);
            }
            // Alive, even while a task that nobody wants any more comes to the end of its stage.
            self.tell().await?;
        };
        if lost {
            tracing::info!(task = %task.id, "stopped: it was cancelled, or its lease was lost");
            return Ok(());
        }
        self.end(&lease, &task, done, shares).await
    }

    /// Begins the work on threads that may block.
    fn start(&self, task: &Task, track: Arc<Track>) -> tokio::task::JoinHandle<Result<pipeline::Outcome>> {
        let (blobs, engine, bounds) = (self.blobs.clone(), self.engine.clone(), self.bounds.clone());
        let (key, recipe) = (Task::input(task.id), task.recipe.clone());
        tokio::spawn(async move {
            let photo = blobs.bytes(&key).await.map_err(stored)?;
            let photo = photo.ok_or_else(|| Error::Undecodable("the photo is gone".into()))?;
            let work = move || {
                let unreadable = |error| Error::BadRecipe(format!("the recipe cannot be read: {error}"));
                let recipe: Recipe = serde_json::from_str(&recipe).map_err(unreadable)?;
                let watch: pipeline::Watch = Arc::new(move |stage| track.enter(stage));
                let parcel = pipeline::read(&photo, &recipe, &bounds, watch)?;
                drop(photo);
                pipeline::write(engine.road(parcel, &recipe)?, &recipe)
            };
            tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(failed(error)))
        })
    }

    /// Publishes what was made, or tells why there is nothing.
    async fn end(
        &self,
        lease: &Lease,
        task: &Task,
        done: Result<pipeline::Outcome>,
        shares: &mut Shares,
    ) -> Result<()> {
        match done {
            Ok(made) => {
                shares.learn(&task.kind, &made);
                self.publish(lease, made).await
            }
            Err(error) => {
                let machine = error.fault() == Fault::Machine;
                let failure = Failure { code: code(&error).into(), reason: reason(&error) };
                tracing::warn!(task = %task.id, %error, "failed");
                match self.store.fail(lease, &failure, machine, now()).await {
                    Ok(false) => self.blobs.delete(&Task::input(task.id)).await.map_err(stored)?,
                    Ok(true) | Err(cameo_tasks::Error::LeaseLost) => {}
                    Err(error) => return Err(stored(error)),
                }
                // A device that failed once is poisoned for all that follows.
                if machine { Err(error) } else { Ok(()) }
            }
        }
    }

    /// The file first, then the row; what the row does not take is deleted.
    async fn publish(&self, lease: &Lease, made: pipeline::Outcome) -> Result<()> {
        let stages = made.times.stages().map(|(stage, ms)| (stage.to_string(), (ms * 1e3).round() / 1e3)).collect();
        let outcome = Outcome {
            blob: lease.output(),
            bytes: made.bytes.len() as u64,
            sha256: Sha256::digest(&made.bytes).iter().map(|byte| format!("{byte:02x}")).collect(),
            width: made.width,
            height: made.height,
            stages,
            matte_uncertainty: made.certainty.map(|certainty| certainty.matte_uncertainty),
            foreground: made.certainty.and_then(|certainty| certainty.foreground).map(Into::into),
        };
        self.blobs.put(&outcome.blob, Bytes::from(made.bytes)).await.map_err(stored)?;
        match self.store.finish(lease, &outcome, self.engine.name, now()).await {
            Ok(()) => {
                tracing::info!(task = %lease.task, ms = made.times.total_ms(), "finished");
                self.blobs.delete(&Task::input(lease.task)).await.map_err(stored)
            }
            Err(cameo_tasks::Error::LeaseLost) => {
                tracing::info!(task = %lease.task, "made for nothing: the lease was lost");
                self.blobs.delete(&outcome.blob).await.map_err(stored)
            }
            Err(error) => Err(stored(error)),
        }
    }

    async fn give_back(&self, lease: &Lease) -> Result<()> {
        match self.store.release(lease, now()).await {
            Ok(()) => tracing::info!(task = %lease.task, "given back"),
            Err(cameo_tasks::Error::LeaseLost) => {}
            Err(error) => return Err(stored(error)),
        }
        self.store.gone(&self.id).await.map_err(stored)?;
        // The engine may be in the midst of a long stage, whose thread nothing can end but this.
        std::process::exit(0)
    }

    /// The engine does not come back: the task is for another process.
    async fn hung(&self, lease: &Lease) -> Result<()> {
        let secs = self.task_timeout.as_secs();
        let failure = Failure { code: "timed_out".into(), reason: format!("it took longer than {secs} seconds") };
        tracing::error!(task = %lease.task, "hangs: this worker ends");
        if matches!(self.store.fail(lease, &failure, true, now()).await, Ok(false)) {
            let _ = self.blobs.delete(&Task::input(lease.task)).await;
        }
        let _ = self.store.gone(&self.id).await;
        std::process::exit(EXIT_ENGINE)
    }
}

fn stored(error: cameo_tasks::Error) -> Error {
    Error::Engine { engine: "store", reason: error.to_string() }
}

fn failed(error: tokio::task::JoinError) -> Error {
    Error::Engine { engine: "chosen", reason: error.to_string() }
}

/// The failure's name for programs; the same as the API's for an image that it refuses itself.
fn code(error: &Error) -> &'static str {
    match error {
        Error::Empty => "empty_file",
        Error::UnknownFormat(_) => "unsupported_image_format",
        Error::TooLarge(_) => "image_too_large",
        Error::Undecodable(_) => "undecodable_image",
        Error::BadRecipe(_) => "invalid_parameter",
        _ => "engine_failed",
    }
}

/// What the task's owner is told: of the machine's troubles, only that there were some.
fn reason(error: &Error) -> String {
    match error.fault() {
        Fault::Machine => "the engine failed: submit the photo again, and if it fails again tell the operator".into(),
        Fault::Image | Fault::Wish => error.to_string(),
    }
}

/// Where the work is, and whether it should go on.
#[derive(Default)]
struct Track {
    stages: Mutex<Vec<&'static str>>,
    stop: AtomicBool,
}

impl Track {
    fn enter(&self, stage: &'static str) -> Result<()> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Error::Stopped);
        }
        self.stages.lock().unwrap_or_else(PoisonError::into_inner).push(stage);
        Ok(())
    }
}

/// What each stage's share of the time was, the last time a task of its kind ran.
#[derive(Default)]
struct Shares(HashMap<String, Vec<(&'static str, f64)>>);

/// Before the first run: the network takes nearly all of it.
const FIRST: [(&str, f64); 5] =
    [("decode", 0.02), ("guide", 0.07), ("matte", 0.85), ("refine", 0.01), ("decontaminate", 0.02)];

impl Shares {
    fn learn(&mut self, kind: &str, made: &pipeline::Outcome) {
        let total = made.times.total_ms().max(1e-3);
        self.0.insert(kind.into(), made.times.stages().map(|(stage, ms)| (stage, ms / total)).collect());
    }

    /// The share of the stages that are done, and the stage that runs.
    fn progress(&self, kind: &str, track: &Track) -> (f64, &'static str) {
        let entered = track.stages.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((running, done)) = entered.split_last() else { return (0.0, "waiting") };
        let shares = self.0.get(kind).map_or(&FIRST[..], Vec::as_slice);
        let share = |stage: &&str| shares.iter().find(|(found, _)| found == stage).map_or(0.0, |(_, share)| *share);
        (done.iter().map(share).sum::<f64>().clamp(0.0, 0.99), running)
    }
}
