//! The worker's side of the store.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{MAX_ATTEMPTS, Sqlite, rows, tasks};
use crate::{Claim, Error, Failure, Lease, Millis, Outcome, Queue, Result, Task};

/// A retry waits this long, doubled with each run.
const RETRY_MS: Millis = 1000;

#[async_trait]
impl Queue for Sqlite {
    async fn next(&self, now: Millis) -> Result<Option<Task>> {
        self.read(move |db| match tasks::next(db, now)? {
            Some(id) => tasks::find(db, id),
            None => Ok(None),
        })
        .await
    }

    async fn claim(&self, worker: &str, lease: Millis, now: Millis) -> Result<Option<Claim>> {
        // Most of the time there is nothing, and looking costs no write.
        if self.read(move |db| tasks::next(db, now)).await?.is_none() {
            return Ok(None);
        }
        let worker = worker.to_string();
        self.write(move |db| {
            let Some(id) = tasks::next(db, now)? else { return Ok(None) };
            let task = db
                .prepare_cached(
                    "UPDATE tasks SET status = 'processing', worker = ?, lease_until = ?, fence = fence + 1,
                     attempts = attempts + 1, started_at = ?, progress = 0, stage = NULL
                     WHERE id = ? RETURNING *",
                )?
                .query_row(params![worker, now + lease, now, id.to_string()], |row| {
                    Ok(Claim { lease: Lease { task: id, fence: row.get("fence")? }, task: rows::task(row)? })
                })?;
            db.prepare_cached("UPDATE users SET claimed_at = ? WHERE id = ?")?
                .execute(params![now, task.task.owner])?;
            Ok(Some(task))
        })
        .await
    }

    async fn beat(&self, lease: &Lease, prolong: Millis, progress: f64, stage: &str, now: Millis) -> Result<()> {
        let (lease, stage) = (lease.clone(), stage.to_string());
        self.write(move |db| {
            let beaten = db
                .prepare_cached(
                    "UPDATE tasks SET lease_until = ?, progress = ?, stage = ?
                     WHERE id = ? AND fence = ? AND status = 'processing'",
                )?
                .execute(params![now + prolong, progress, stage, lease.task.to_string(), lease.fence])?;
            held(beaten)
        })
        .await
    }

    async fn finish(&self, lease: &Lease, outcome: &Outcome, engine: &str, now: Millis) -> Result<()> {
        let (lease, outcome, engine) = (lease.clone(), outcome.clone(), engine.to_string());
        self.write(move |db| {
            let json = serde_json::to_string(&outcome).map_err(|error| Error::Data(error.to_string()))?;
            let finished = db
                .prepare_cached(
                    "UPDATE tasks SET status = 'completed', finished_at = ?, progress = 1, stage = NULL, engine = ?,
                     outcome = ?, worker = NULL, lease_until = NULL
                     WHERE id = ? AND fence = ? AND status = 'processing'",
                )?
                .execute(params![now, engine, json, lease.task.to_string(), lease.fence])?;
            held(finished)?;
            let mut total = db.prepare_cached(
                "INSERT INTO stage_totals (stage, count, seconds) VALUES (?, 1, ?)
                 ON CONFLICT (stage) DO UPDATE SET count = count + 1, seconds = seconds + excluded.seconds",
            )?;
            for (stage, ms) in &outcome.stages {
                total.execute(params![stage, ms / 1e3])?;
            }
            Ok(())
        })
        .await
    }

    async fn fail(&self, lease: &Lease, failure: &Failure, retry: bool, now: Millis) -> Result<bool> {
        let (lease, failure) = (lease.clone(), failure.clone());
        self.write(move |db| {
            let attempts = db
                .prepare_cached("SELECT attempts FROM tasks WHERE id = ? AND fence = ? AND status = 'processing'")?
                .query_row(params![lease.task.to_string(), lease.fence], |row| row.get(0))
                .optional()?
                .ok_or(Error::LeaseLost)?;
            end(db, &Ended { id: lease.task.to_string(), attempts }, &failure, retry, now)
        })
        .await
    }

    async fn release(&self, lease: &Lease, _now: Millis) -> Result<()> {
        let lease = lease.clone();
        self.write(move |db| {
            let released = db
                .prepare_cached(
                    "UPDATE tasks SET status = 'pending', attempts = attempts - 1, worker = NULL, lease_until = NULL,
                     started_at = NULL, progress = 0, stage = NULL
                     WHERE id = ? AND fence = ? AND status = 'processing'",
                )?
                .execute(params![lease.task.to_string(), lease.fence])?;
            held(released)
        })
        .await
    }

    async fn reap(&self, now: Millis) -> Result<u64> {
        let late = move |db: &Connection| -> Result<Vec<Ended>> {
            let mut late =
                db.prepare_cached("SELECT id, attempts FROM tasks WHERE status = 'processing' AND lease_until < ?")?;
            Ok(late.query_map([now], Ended::from_row)?.collect::<rusqlite::Result<_>>()?)
        };
        if self.read(late).await?.is_empty() {
            return Ok(0);
        }
        self.write(move |db| end_all(db, late(db)?, now)).await
    }

    async fn abandon(&self, worker: &str, now: Millis) -> Result<u64> {
        let worker = worker.to_string();
        self.write(move |db| {
            let mut left =
                db.prepare_cached("SELECT id, attempts FROM tasks WHERE status = 'processing' AND worker = ?")?;
            let left = left.query_map([worker], Ended::from_row)?.collect::<rusqlite::Result<_>>()?;
            end_all(db, left, now)
        })
        .await
    }

    fn max_attempts(&self) -> u32 {
        MAX_ATTEMPTS
    }
}

/// A run that is over without an outcome.
struct Ended {
    id: String,
    attempts: u32,
}

impl Ended {
    fn from_row(row: &Row) -> rusqlite::Result<Self> {
        Ok(Self { id: row.get(0)?, attempts: row.get(1)? })
    }
}

fn end_all(db: &Connection, runs: Vec<Ended>, now: Millis) -> Result<u64> {
    for run in &runs {
        let reason = format!("the worker died while it worked on this image, {} times", run.attempts);
        let failure = Failure { code: "worker_lost".into(), reason };
        end(db, run, &failure, true, now)?;
    }
    Ok(runs.len() as u64)
}

/// Ends a run; true if the task will run again.
fn end(db: &Connection, run: &Ended, failure: &Failure, retry: bool, now: Millis) -> Result<bool> {
    let again = retry && run.attempts < MAX_ATTEMPTS;
    if again {
        let wait = RETRY_MS << run.attempts.min(8);
        db.prepare_cached(
            "UPDATE tasks SET status = 'pending', not_before = ?, worker = NULL, lease_until = NULL,
             started_at = NULL, progress = 0, stage = NULL WHERE id = ?",
        )?
        .execute(params![now + wait, run.id])?;
    } else {
        db.prepare_cached(
            "UPDATE tasks SET status = 'failed', finished_at = ?, error_code = ?, error = ?, worker = NULL,
             lease_until = NULL, stage = NULL WHERE id = ?",
        )?
        .execute(params![now, failure.code, failure.reason, run.id])?;
    }
    Ok(again)
}

/// One row was changed if the lease holds.
fn held(rows: usize) -> Result<()> {
    if rows == 1 { Ok(()) } else { Err(Error::LeaseLost) }
}
