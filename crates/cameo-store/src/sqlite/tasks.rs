//! The API's view of the tasks: submission, queries, cancellation, expiry and statistics.

use std::collections::HashSet;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};

use super::database::Sqlite;
use super::{claim_order, rows};
use crate::account::UserId;
use crate::error::Result;
use crate::queue::{Admission, Lease, Load, QueueLimits, StageTotal, Submission};
use crate::store::Tasks;
use crate::task::{IdempotencyKey, NewTask, Page, Task, TaskId, TaskResult, TaskStatus};
use crate::time::Millis;

/// How many of the newest completed tasks [`Load::mean_seconds`] averages.
const RECENT_TASKS: u32 = 20;

#[async_trait]
impl Tasks for Sqlite {
    async fn submit(&self, task: NewTask, limits: QueueLimits, now: Millis) -> Result<Submission> {
        self.write(move |db| {
            if let Some(key) = &task.idempotency
                && let Some(submission) = earlier_submission(db, task.owner, key)?
            {
                return Ok(submission);
            }
            let admission = admission(db, task.owner, limits, task.pixels)?;
            if !matches!(admission, Admission::Open { .. }) {
                return Ok(Submission::Refused(admission));
            }
            let id = task.id.to_string();
            db.prepare_cached(
                "INSERT INTO tasks (id, owner, operation, recipe, status, pixels, created_at)
                 VALUES (?, ?, ?, ?, 'pending', ?, ?)",
            )?
            .execute(params![id, task.owner, task.operation, task.recipe, task.pixels, now])?;
            if let Some(IdempotencyKey { key, request_hash }) = &task.idempotency {
                db.prepare_cached("INSERT INTO idempotency_keys (owner, key, request_hash, task) VALUES (?, ?, ?, ?)")?
                    .execute(params![task.owner, key, request_hash, id])?;
            }
            Ok(Submission::Accepted)
        })
        .await
    }

    async fn admission(&self, owner: UserId, limits: QueueLimits) -> Result<Admission> {
        self.read(move |db| admission(db, owner, limits, 0)).await
    }

    async fn check(&self) -> Result<()> {
        self.check_file()
    }

    async fn has_idempotency_key(&self, owner: UserId, key: &str) -> Result<bool> {
        self.read_inline(|db| {
            let mut select =
                db.prepare_cached("SELECT EXISTS (SELECT 1 FROM idempotency_keys WHERE owner = ? AND key = ?)")?;
            Ok(select.query_row(params![owner, key], |row| row.get(0))?)
        })
    }

    async fn task(&self, id: TaskId) -> Result<Option<Task>> {
        self.read_inline(|db| find(db, id))
    }

    async fn queue_position(&self, id: TaskId) -> Result<Option<u64>> {
        self.read(move |db| claim_order::position(db, id)).await
    }

    async fn list(&self, owner: UserId, page: Page) -> Result<Vec<Task>> {
        self.read(move |db| {
            let mut select =
                db.prepare_cached("SELECT * FROM tasks WHERE owner = ? AND seq < ? ORDER BY seq DESC LIMIT ?")?;
            let tasks = select.query_map(params![owner, page.before.unwrap_or(i64::MAX), page.limit], rows::task)?;
            Ok(tasks.filter_map(rows::readable).collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn cancel(&self, id: TaskId, now: Millis) -> Result<bool> {
        self.write(move |db| {
            let cancelled = db
                .prepare_cached(
                    "UPDATE tasks SET status = 'cancelled', finished_at = ?, worker = NULL, lease_expires_at = NULL,
                     stage = NULL WHERE id = ? AND status IN ('pending', 'processing')",
                )?
                .execute(params![now, id.to_string()])?;
            Ok(cancelled == 1)
        })
        .await
    }

    async fn delete(&self, id: TaskId) -> Result<bool> {
        self.write(move |db| {
            let deleted = db
                .prepare_cached("DELETE FROM tasks WHERE id = ? AND status NOT IN ('pending', 'processing')")?
                .execute([id.to_string()])?;
            Ok(deleted == 1)
        })
        .await
    }

    async fn expire(&self, results_before: Millis, tasks_before: Millis) -> Result<u64> {
        self.write(move |db| {
            let expired = db
                .prepare_cached(
                    "UPDATE tasks SET expired = 1 WHERE status = 'completed' AND expired = 0 AND finished_at < ?",
                )?
                .execute([results_before])?;
            let deleted = db
                .prepare_cached(
                    "DELETE FROM tasks WHERE status IN ('completed', 'failed', 'cancelled') AND finished_at < ?",
                )?
                .execute([tasks_before])?;
            Ok((expired + deleted) as u64)
        })
        .await
    }

    async fn referenced_blobs(&self) -> Result<HashSet<String>> {
        self.read(|db| {
            let mut keys = HashSet::new();
            let mut active =
                db.prepare_cached("SELECT id, status, fence FROM tasks WHERE status IN ('pending', 'processing')")?;
            let active = active.query_map([], |row| {
                Ok((row.get::<_, TaskStatus>(1)?, Lease { task: row.get::<_, rows::Id>(0)?.0, fence: row.get(2)? }))
            })?;
            for row in active {
                let (status, lease) = row?;
                keys.insert(Task::input_key(lease.task));
                if status == TaskStatus::Processing {
                    keys.insert(lease.output_key());
                }
            }
            let mut completed =
                db.prepare_cached("SELECT id, fence, result FROM tasks WHERE status = 'completed' AND expired = 0")?;
            let completed = completed.query_map([], |row| {
                let lease = Lease { task: row.get::<_, rows::Id>(0)?.0, fence: row.get(1)? };
                // A damaged row keeps its file: the lease of its last run names it as well.
                Ok(row.get::<_, TaskResult>(2).map_or_else(|_| lease.output_key(), |result| result.blob_key))
            })?;
            for key in completed {
                keys.insert(key?);
            }
            Ok(keys)
        })
        .await
    }

    async fn load(&self) -> Result<Load> {
        self.read(|db| {
            let mut counts =
                db.prepare_cached("SELECT status, operation, count(*) FROM tasks GROUP BY status, operation")?;
            let counts = counts.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            let counts = counts.collect::<rusqlite::Result<_>>()?;
            let (pending_pixels, oldest_pending) = db
                .prepare_cached("SELECT coalesce(sum(pixels), 0), min(created_at) FROM tasks WHERE status = 'pending'")?
                .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let mean_seconds = db
                .prepare_cached(
                    "SELECT avg(finished_at - started_at) / 1e3 FROM
                     (SELECT * FROM tasks WHERE status = 'completed' ORDER BY seq DESC LIMIT ?)",
                )?
                .query_row([RECENT_TASKS], |row| row.get(0))?;
            Ok(Load { counts, pending_pixels, oldest_pending, mean_seconds })
        })
        .await
    }

    async fn stage_totals(&self) -> Result<Vec<StageTotal>> {
        self.read(|db| {
            let mut select = db.prepare_cached("SELECT stage, count, seconds FROM stage_totals ORDER BY stage")?;
            let totals = select
                .query_map([], |row| Ok(StageTotal { stage: row.get(0)?, count: row.get(1)?, seconds: row.get(2)? }))?;
            Ok(totals.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn data_version(&self) -> Result<i64> {
        self.read_data_version().await
    }
}

pub fn find(db: &Connection, id: TaskId) -> Result<Option<Task>> {
    let mut select = db.prepare_cached("SELECT * FROM tasks WHERE id = ?")?;
    Ok(select.query_row([id.to_string()], rows::task).optional()?)
}

/// Returns the answer to a submission whose idempotency key is in use; `None` if the key is new.
fn earlier_submission(db: &Connection, owner: UserId, idempotency: &IdempotencyKey) -> Result<Option<Submission>> {
    let earlier = db
        .prepare_cached("SELECT task, request_hash FROM idempotency_keys WHERE owner = ? AND key = ?")?
        .query_row(params![owner, idempotency.key], |row| Ok((row.get::<_, rows::Id>(0)?.0, row.get::<_, String>(1)?)))
        .optional()?;
    Ok(earlier.map(|(task, request_hash)| match request_hash == idempotency.request_hash {
        true => Submission::Duplicate(task),
        false => Submission::KeyReused,
    }))
}

/// Returns whether a task of `pixels` would be accepted. The limit per user is checked first, because the user can do
/// something about it.
fn admission(db: &Connection, owner: UserId, limits: QueueLimits, pixels: u64) -> Result<Admission> {
    let active: u64 = db
        .prepare_cached("SELECT count(*) FROM tasks WHERE owner = ? AND status IN ('pending', 'processing')")?
        .query_row([owner], |row| row.get(0))?;
    if active >= limits.tasks_per_user {
        return Ok(Admission::UserFull);
    }
    let (pending, pending_pixels, own_pixels): (u64, u64, u64) = db
        .prepare_cached(
            "SELECT count(*), coalesce(sum(pixels), 0), coalesce(sum(pixels) FILTER (WHERE owner = ?), 0)
             FROM tasks WHERE status = 'pending'",
        )?
        .query_row([owner], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    // Nobody holds more than what is left free, so one user takes half of the room at most, two take a third each, and
    // there is always some left for another (Choudhury and Hahne 1998, "Dynamic Queue Length Thresholds for
    // Shared-Memory Packet Switches"). A user without pending photos is accepted while the queue is not full: otherwise
    // a photo that exceeds the limit on its own could never be accepted.
    let (own_after, all_after) = (own_pixels + pixels, pending_pixels + pixels);
    let exceeds_share = own_pixels > 0 && own_after + all_after > limits.pixels;
    let exceeds_room = pending_pixels > 0 && all_after > limits.pixels;
    let full = pending >= limits.tasks || exceeds_room || exceeds_share;
    Ok(if full { Admission::QueueFull } else { Admission::Open { remaining: limits.tasks_per_user - active } })
}
