//! Claim, run, beat, finish.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use cameo_tasks::{Blobs, Claim, Failure, Lease, Millis, Outcome, Store, Task, Worker, now};
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::MissedTickBehavior;

use super::failure::{code, failed, reason, stored};
use super::intake::{Ahead, Intake, Photo};
use super::progress::Shares;
use crate::error::{Error, Fault, Result};
use crate::pipeline::{self, Bounds, Budget, Handle};

/// How often an idle worker looks for a task.
const PERIOD: Duration = Duration::from_millis(50);

/// How often a busy one looks which task is next.
const LOOK: Duration = Duration::from_millis(100);

/// How often progress is told.
const PROGRESS: Duration = Duration::from_millis(500);

/// Tasks in hand at once: one with the engine, and one that has been with it and is encoded and stored meanwhile.
const IN_HAND: usize = 2;

/// What a worker needs.
pub struct Plan {
    /// Its name among the workers.
    pub id: String,
    pub store: Arc<dyn Store>,
    pub blobs: Blobs,
    pub engine: Handle,
    pub bounds: Bounds,
    /// Of what is in hand, and of the photo that is next.
    pub budget: Budget,
    pub lease: Duration,
    pub task_timeout: Duration,
}

/// A worker at work.
struct Run {
    plan: Arc<Plan>,
    shares: Shares,
    /// The right to the engine. Without it nothing is claimed: a task that would wait here may be another worker's.
    engine: Arc<Semaphore>,
}

/// How a task left our hands.
enum End {
    /// Finished, failed, given back, or not ours any more.
    Over,
    /// The engine does not come back.
    Hung,
}

/// Runs tasks until `stop` turns true. Those that run then are given back.
///
/// The threads of a task that was given back or cancelled may still compute when this returns: the process is to end.
///
/// # Errors
/// If the store fails, or the engine: then the process must end, so that another takes its place.
pub async fn run(plan: Plan, stop: watch::Receiver<bool>) -> Result<()> {
    let run = Arc::new(Run { plan: Arc::new(plan), shares: Shares::default(), engine: Arc::new(Semaphore::new(1)) });
    let (put_down, told) = watch::channel(false);
    let mut in_hand = JoinSet::new();
    let end = run.serve(&mut in_hand, stop, told).await;
    // What is still in hand goes to another process.
    let _ = put_down.send(true);
    while let Some(ended) = in_hand.join_next().await {
        if let Err(error) = settle(ended) {
            tracing::warn!(%error, "a task waits until its lease runs out");
        }
    }
    run.plan.store.gone(&run.plan.id).await.map_err(stored)?;
    match end? {
        End::Hung => Err(Error::Engine { engine: "chosen", reason: "a task hangs".into() }),
        End::Over => Ok(()),
    }
}

impl Run {
    /// Claims and begins tasks until `stop` turns true or one of them hangs.
    async fn serve(
        self: &Arc<Self>,
        in_hand: &mut JoinSet<Result<End>>,
        mut stop: watch::Receiver<bool>,
        told: watch::Receiver<bool>,
    ) -> Result<End> {
        let mut beat = tokio::time::interval(self.beat_period().min(PROGRESS));
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ahead = Ahead::default();
        while !*stop.borrow() {
            let turn = tokio::select! {
                biased;
                // Alive, even while a task that nobody wants any more comes to the end of its stage.
                _ = beat.tick() => {
                    self.tell().await?;
                    continue;
                }
                Some(ended) = in_hand.join_next() => match settle(ended)? {
                    End::Hung => return Ok(End::Hung),
                    End::Over => continue,
                },
                _ = stop.changed() => break,
                turn = self.engine.clone().acquire_owned(), if in_hand.len() < IN_HAND => turn.map_err(failed)?,
                // Nothing can be claimed now.
                _ = look.tick() => {
                    if ahead.may_look() {
                        let next = self.plan.store.next(now()).await.map_err(stored)?;
                        ahead.look(&self.plan, next.as_ref());
                    }
                    continue;
                }
            };
            match self.plan.store.claim(&self.plan.id, self.lease_ms(), now()).await.map_err(stored)? {
                Some(claim) => {
                    let intake = ahead.take(&self.plan, &claim.task);
                    in_hand.spawn(self.clone().take(claim, intake, turn, told.clone()));
                }
                None => {
                    ahead.forget();
                    let _ = tokio::time::timeout(PERIOD, stop.changed()).await;
                }
            }
        }
        Ok(End::Over)
    }

    fn lease_ms(&self) -> Millis {
        self.plan.lease.as_millis() as Millis
    }

    /// Often enough that two beats may be late.
    fn beat_period(&self) -> Duration {
        self.plan.lease / 4
    }

    async fn tell(&self) -> Result<()> {
        let Plan { id, engine, store, .. } = &*self.plan;
        let worker = Worker { id: id.clone(), engine: engine.name.into(), ready: true, beat_at: now() };
        store.tell(&worker).await.map_err(stored)
    }

    /// Runs one task whose `turn` with the engine it is, and beats while it runs, until it is told to `put_down`.
    async fn take(
        self: Arc<Self>,
        claim: Claim,
        intake: Intake,
        turn: OwnedSemaphorePermit,
        mut put_down: watch::Receiver<bool>,
    ) -> Result<End> {
        let Claim { lease, task } = claim;
        tracing::info!(task = %task.id, kind = task.kind, attempt = task.attempts, ahead = intake.ahead, "began");
        let track = intake.track.clone();
        let mut work = self.start(intake, turn);
        let since = Instant::now();
        let mut lost = false;
        let done = loop {
            tokio::select! {
                done = &mut work => break done.unwrap_or_else(|error| Err(failed(error))),
                () = tokio::time::sleep(self.beat_period().min(PROGRESS)) => {}
                // Given back at once: nobody knows how long the stage that runs will take.
                _ = put_down.changed() => return self.give_back(&lease).await,
            }
            if since.elapsed() > self.plan.task_timeout {
                return self.hung(&lease).await;
            }
            if !lost {
                let (progress, stage) = self.shares.progress(&task.kind, &track);
                let beat = self.plan.store.beat(&lease, self.lease_ms(), progress, stage, now()).await;
                lost = beat.is_err();
                if lost {
                    track.stop();
                }
            }
        };
        if lost {
            tracing::info!(task = %task.id, "stopped: it was cancelled, or its lease was lost");
            return Ok(End::Over);
        }
        self.end(&lease, &task, done).await?;
        Ok(End::Over)
    }

    /// Begins the work on threads that may block. The `turn` ends when the engine has done its part.
    fn start(&self, intake: Intake, turn: OwnedSemaphorePermit) -> JoinHandle<Result<pipeline::Outcome>> {
        let engine = self.plan.engine.clone();
        tokio::spawn(async move {
            let Photo { parcel, recipe, share } = intake.photo().await?;
            let work = move || {
                let _share = share;
                let parcel = engine.road(parcel, &recipe)?;
                drop(turn);
                pipeline::write(parcel, &recipe)
            };
            tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(failed(error)))
        })
    }

    /// Publishes what was made, or tells why there is nothing.
    async fn end(&self, lease: &Lease, task: &Task, done: Result<pipeline::Outcome>) -> Result<()> {
        match done {
            Ok(made) => {
                self.shares.learn(&task.kind, &made.times);
                self.publish(lease, made).await
            }
            Err(error) => {
                let machine = error.fault() == Fault::Machine;
                let failure = Failure { code: code(&error).into(), reason: reason(&error) };
                tracing::warn!(task = %task.id, %error, "failed");
                match self.plan.store.fail(lease, &failure, machine, now()).await {
                    Ok(false) => self.plan.blobs.delete(&Task::input(task.id)).await.map_err(stored)?,
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
        self.plan.blobs.put(&outcome.blob, Bytes::from(made.bytes)).await.map_err(stored)?;
        match self.plan.store.finish(lease, &outcome, self.plan.engine.name, now()).await {
            Ok(()) => {
                tracing::info!(task = %lease.task, ms = made.times.total_ms(), "finished");
                self.plan.blobs.delete(&Task::input(lease.task)).await.map_err(stored)
            }
            Err(cameo_tasks::Error::LeaseLost) => {
                tracing::info!(task = %lease.task, "made for nothing: the lease was lost");
                self.plan.blobs.delete(&outcome.blob).await.map_err(stored)
            }
            Err(error) => Err(stored(error)),
        }
    }

    async fn give_back(&self, lease: &Lease) -> Result<End> {
        match self.plan.store.release(lease, now()).await {
            Ok(()) => tracing::info!(task = %lease.task, "given back"),
            Err(cameo_tasks::Error::LeaseLost) => {}
            Err(error) => return Err(stored(error)),
        }
        Ok(End::Over)
    }

    /// The engine does not come back: the task is for another process.
    async fn hung(&self, lease: &Lease) -> Result<End> {
        let secs = self.plan.task_timeout.as_secs();
        let failure = Failure { code: "timed_out".into(), reason: format!("it took longer than {secs} seconds") };
        tracing::error!(task = %lease.task, "hangs: this worker ends");
        if matches!(self.plan.store.fail(lease, &failure, true, now()).await, Ok(false)) {
            let _ = self.plan.blobs.delete(&Task::input(lease.task)).await;
        }
        Ok(End::Hung)
    }
}

fn settle(ended: std::result::Result<Result<End>, tokio::task::JoinError>) -> Result<End> {
    ended.unwrap_or_else(|error| Err(failed(error)))
}
