//! The workers' view of the tasks: claims, leases and the ends of runs.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::database::Sqlite;
use super::{claim_order, rows};
use crate::error::{Result, StoreError};
use crate::queue::{Claim, Lease};
use crate::store::Queue;
use crate::task::{Failure, Task, TaskId, TaskResult};
use crate::time::Millis;

/// The first run and three retries.
const MAX_ATTEMPTS: u32 = 4;

/// Selects the runs whose leases expired before a time.
pub const EXPIRED_LEASES: &str = "SELECT id, attempts FROM tasks WHERE status = 'processing' AND lease_expires_at < ?";

/// Selects the runs of a worker.
pub const RUNS_OF_WORKER: &str = "SELECT id, attempts FROM tasks WHERE status = 'processing' AND worker = ?";

/// The delay before a retry is this many milliseconds, doubled once for each run so far: 2 s after the first run.
const RETRY_DELAY: Millis = 1000;

#[async_trait]
impl Queue for Sqlite {
    async fn peek(&self, count: u32, now: Millis) -> Result<Vec<Task>> {
        self.read(move |db| claim_order::first(db, count, now)).await
    }

    async fn claim(
        &self,
        worker: &str,
        preferred: Option<TaskId>,
        duration: Millis,
        now: Millis,
    ) -> Result<Option<Claim>> {
        // The queue is empty most of the time, and a query costs less than a transaction.
        if self.read(move |db| claim_order::next(db, now)).await?.is_none() {
            return Ok(None);
        }
        let worker = worker.to_string();
        self.write(move |db| {
            let mut preferred = preferred.map(|id| ready(db, id, now)).transpose()?.flatten();
            while let Some(seq) = preferred.take().map_or_else(|| claim_order::next(db, now), |seq| Ok(Some(seq)))? {
                let claim = db
                    .prepare_cached(
                        "UPDATE tasks SET status = 'processing', worker = ?, lease_expires_at = ?, fence = fence + 1,
                         attempts = attempts + 1, started_at = ?, progress = 0, stage = NULL
                         WHERE seq = ? RETURNING *",
                    )?
                    .query_row(params![worker, now + duration, now, seq], |row| {
                        let task = rows::task(row)?;
                        Ok(Claim { lease: Lease { task: task.id, fence: row.get("fence")? }, task })
                    });
                match claim {
                    // It would be the next one for ever, and no other task would run.
                    Err(error) if rows::is_damage(&error) => fail_damaged(db, seq, now)?,
                    claim => {
                        let claim = claim?;
                        db.prepare_cached("UPDATE users SET last_claim_at = ? WHERE id = ?")?
                            .execute(params![now, claim.task.owner])?;
                        return Ok(Some(claim));
                    }
                }
            }
            Ok(None)
        })
        .await
    }

    async fn renew(&self, lease: &Lease, duration: Millis, progress: f64, stage: &str, now: Millis) -> Result<()> {
        let (lease, stage) = (lease.clone(), stage.to_string());
        self.write(move |db| {
            let changed = db
                .prepare_cached(
                    "UPDATE tasks SET lease_expires_at = ?, progress = ?, stage = ?
                     WHERE id = ? AND fence = ? AND status = 'processing'",
                )?
                .execute(params![now + duration, progress, stage, lease.task.to_string(), lease.fence])?;
            require_lease(changed)
        })
        .await
    }

    async fn finish(&self, lease: &Lease, result: &TaskResult, engine: &str, now: Millis) -> Result<()> {
        let (lease, result, engine) = (lease.clone(), result.clone(), engine.to_string());
        self.write(move |db| {
            let changed = db
                .prepare_cached(
                    "UPDATE tasks SET status = 'completed', finished_at = ?, progress = 1, stage = NULL, engine = ?,
                     result = ?, worker = NULL, lease_expires_at = NULL
                     WHERE id = ? AND fence = ? AND status = 'processing'",
                )?
                .execute(params![now, engine, result, lease.task.to_string(), lease.fence])?;
            require_lease(changed)?;
            let mut add = db.prepare_cached(
                "INSERT INTO stage_totals (stage, count, seconds) VALUES (?, 1, ?)
                 ON CONFLICT (stage) DO UPDATE SET count = count + 1, seconds = seconds + excluded.seconds",
            )?;
            for (stage, ms) in &result.stages {
                add.execute(params![stage, ms / 1e3])?;
            }
            Ok(())
        })
        .await
    }

    async fn fail(&self, lease: &Lease, failure: &Failure, retry: bool, now: Millis) -> Result<bool> {
        let (lease, failure) = (lease.clone(), failure.clone());
        self.write(move |db| {
            let run = db
                .prepare_cached("SELECT id, attempts FROM tasks WHERE id = ? AND fence = ? AND status = 'processing'")?
                .query_row(params![lease.task.to_string(), lease.fence], Run::from_row)
                .optional()?
                .ok_or(StoreError::LeaseLost)?;
            run.end(db, &failure, retry, now)
        })
        .await
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        let lease = lease.clone();
        self.write(move |db| {
            let changed = db
                .prepare_cached(
                    "UPDATE tasks SET status = 'pending', attempts = attempts - 1, worker = NULL,
                     lease_expires_at = NULL, started_at = NULL, progress = 0, stage = NULL
                     WHERE id = ? AND fence = ? AND status = 'processing'",
                )?
                .execute(params![lease.task.to_string(), lease.fence])?;
            require_lease(changed)
        })
        .await
    }

    async fn reap(&self, now: Millis) -> Result<u64> {
        let select_expired = move |db: &Connection| -> Result<Vec<Run>> {
            let mut select = db.prepare_cached(EXPIRED_LEASES)?;
            Ok(select.query_map([now], Run::from_row)?.collect::<rusqlite::Result<_>>()?)
        };
        // As in `claim`, a query avoids most of the transactions.
        if self.read(select_expired).await?.is_empty() {
            return Ok(0);
        }
        self.write(move |db| end_lost_runs(db, select_expired(db)?, now)).await
    }

    async fn requeue_worker_tasks(&self, worker: &str, now: Millis) -> Result<u64> {
        let worker = worker.to_string();
        self.write(move |db| {
            let mut select = db.prepare_cached(RUNS_OF_WORKER)?;
            let runs = select.query_map([worker], Run::from_row)?.collect::<rusqlite::Result<_>>()?;
            end_lost_runs(db, runs, now)
        })
        .await
    }

    fn max_attempts(&self) -> u32 {
        MAX_ATTEMPTS
    }
}

/// Returns the `seq` of a task if it is pending and need not wait for its retry.
fn ready(db: &Connection, id: TaskId, now: Millis) -> Result<Option<i64>> {
    let statement =
        format!("SELECT seq FROM tasks WHERE id = ?2 AND status = 'pending' AND {}", claim_order::is_ready());
    Ok(db.prepare_cached(&statement)?.query_row(params![now, id.to_string()], |row| row.get(0)).optional()?)
}

/// Ends a task whose row makes no sense. A task that has not run has no result.
fn fail_damaged(db: &Connection, seq: i64, now: Millis) -> Result<()> {
    db.prepare_cached(
        "UPDATE tasks SET status = 'failed', finished_at = ?, failure_code = 'internal_error', failure_reason = ?,
         result = NULL, worker = NULL, lease_expires_at = NULL WHERE seq = ?",
    )?
    .execute(params![now, "the server has lost the task: submit the photo again", seq])?;
    Ok(())
}

/// A run of a task that is being processed.
struct Run {
    task: String,
    /// The number of runs of the task, including this one.
    attempts: u32,
}

impl Run {
    /// Reads a row with the columns `id` and `attempts`.
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        // A number that makes no sense must not keep the runs of others from being ended.
        Ok(Self { task: row.get(0)?, attempts: row.get::<_, i64>(1)?.try_into().unwrap_or(MAX_ATTEMPTS) })
    }

    /// Ends the run. With `retry`, the task returns to the queue unless it has had [`MAX_ATTEMPTS`] runs; otherwise it
    /// fails. Returns whether it will run again.
    fn end(&self, db: &Connection, failure: &Failure, retry: bool, now: Millis) -> Result<bool> {
        if retry && self.attempts < MAX_ATTEMPTS {
            db.prepare_cached(
                "UPDATE tasks SET status = 'pending', not_before = ?, worker = NULL, lease_expires_at = NULL,
                 started_at = NULL, progress = 0, stage = NULL WHERE id = ?",
            )?
            .execute(params![now + (RETRY_DELAY << self.attempts).min(claim_order::MAX_RETRY_DELAY), self.task])?;
            return Ok(true);
        }
        db.prepare_cached(
            "UPDATE tasks SET status = 'failed', finished_at = ?, failure_code = ?, failure_reason = ?, worker = NULL,
             lease_expires_at = NULL, stage = NULL WHERE id = ?",
        )?
        .execute(params![now, failure.code, failure.reason, self.task])?;
        Ok(false)
    }
}

/// Ends runs whose workers have died. Returns their number.
fn end_lost_runs(db: &Connection, runs: Vec<Run>, now: Millis) -> Result<u64> {
    for run in &runs {
        let reason = format!("the worker stopped unexpectedly in attempt {} of {MAX_ATTEMPTS}", run.attempts);
        run.end(db, &Failure { code: "worker_lost".into(), reason }, true, now)?;
    }
    Ok(runs.len() as u64)
}

/// Returns [`StoreError::LeaseLost`] unless an update that requires the lease has changed its row.
fn require_lease(changed_rows: usize) -> Result<()> {
    if changed_rows == 1 { Ok(()) } else { Err(StoreError::LeaseLost) }
}
