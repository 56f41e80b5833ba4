//! The API's view of the tasks: submission, queries and cancellation.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};

use super::database::Sqlite;
use super::{claim_order, retention, rows, statistics};
use crate::account::UserId;
use crate::error::Result;
use crate::queue::{Admission, Load, QueueLimits, StageTotal, Submission};
use crate::store::Tasks;
use crate::task::{IdempotencyKey, NewTask, Page, Task, TaskId};
use crate::time::Millis;

/// Counts the pending and the running tasks of a user, which have an index each.
pub const ACTIVE_OF_OWNER: &str = "
    SELECT (SELECT count(*) FROM tasks WHERE owner = ?1 AND status = 'pending')
         + (SELECT count(*) FROM tasks WHERE owner = ?1 AND status = 'processing')";

/// Counts the pending tasks and their pixels, of all users and of one. The pixels are added as floating-point numbers,
/// so that a damaged number cannot make the sum fail.
pub const PENDING_OF_ALL: &str = "
    SELECT count(*), count(*) FILTER (WHERE owner = ?1), total(pixels), total(pixels) FILTER (WHERE owner = ?1)
    FROM tasks WHERE status = 'pending'";

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

    async fn check_writable(&self) -> Result<()> {
        // Takes the lock of a writer, and touches no file.
        self.write(|_| Ok(())).await
    }

    async fn has_idempotency_key(&self, owner: UserId, key: &str) -> Result<bool> {
        self.read_inline(|db| {
            let mut select =
                db.prepare_cached("SELECT EXISTS (SELECT 1 FROM idempotency_keys WHERE owner = ? AND key = ?)")?;
            Ok(select.query_row(params![owner, key], |row| row.get(0))?)
        })
    }

    async fn task(&self, id: TaskId) -> Result<Option<Task>> {
        self.read_inline(|db| {
            let mut select = db.prepare_cached("SELECT * FROM tasks WHERE id = ?")?;
            Ok(select.query_row([id.to_string()], rows::task).optional()?)
        })
    }

    async fn tasks(&self, ids: Vec<TaskId>) -> Result<Vec<Task>> {
        self.read(move |db| {
            let mut select = db.prepare_cached("SELECT * FROM tasks WHERE id IN (SELECT value FROM json_each(?))")?;
            let tasks = select.query_map([rows::json(&ids)?], rows::task)?;
            Ok(tasks.filter_map(rows::readable).collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn queue_positions(&self, ids: Vec<TaskId>) -> Result<HashMap<TaskId, u64>> {
        self.read(move |db| claim_order::positions(db, &ids)).await
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

    async fn expire(&self, results_before: Millis, tasks_before: Millis) -> Result<Vec<String>> {
        // There is nothing to expire most of the time, and a query costs less than a transaction.
        if !self.read(move |db| retention::is_due(db, results_before, tasks_before)).await? {
            return Ok(Vec::new());
        }
        self.write(move |db| retention::expire(db, results_before, tasks_before)).await
    }

    async fn referenced(&self, keys: Vec<String>) -> Result<HashSet<String>> {
        self.read(move |db| retention::referenced(db, keys)).await
    }

    async fn load(&self) -> Result<Load> {
        self.read(statistics::load).await
    }

    async fn stage_totals(&self) -> Result<Vec<StageTotal>> {
        self.read(statistics::stage_totals).await
    }
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
    let active: u64 = db.prepare_cached(ACTIVE_OF_OWNER)?.query_row([owner], |row| row.get(0))?;
    if active >= limits.tasks_per_user {
        return Ok(Admission::UserFull);
    }
    let (tasks, room) = db.prepare_cached(PENDING_OF_ALL)?.query_row([owner], |row| {
        let pixels = |column| row.get::<_, f64>(column).map(|pixels| pixels as u64);
        Ok((Pending { all: row.get(0)?, own: row.get(1)? }, Pending { all: pixels(2)?, own: pixels(3)? }))
    })?;
    let full = tasks.is_full_for(1, limits.tasks) || room.is_full_for(pixels, limits.pixels);
    Ok(if full { Admission::QueueFull } else { Admission::Open { remaining: limits.tasks_per_user - active } })
}

/// How much of something limited the pending tasks take: places in the queue, or pixels.
struct Pending {
    all: u64,
    /// What those of one user take.
    own: u64,
}

impl Pending {
    /// Returns whether `more` would exceed the limit, or the share of the user.
    ///
    /// Nobody holds more than what is left free, so one user takes half of the limit at most, two take a third each,
    /// and there is always some left for another (Choudhury and Hahne 1998, "Dynamic Queue Length Thresholds for
    /// Shared-Memory Packet Switches"). A user who holds nothing is accepted while there is room, and an empty queue
    /// accepts anything: otherwise a photo that exceeds the limit on its own could never be accepted.
    fn is_full_for(&self, more: u64, limit: u64) -> bool {
        let all_after = self.all.saturating_add(more);
        let exceeds_share = self.own > 0 && all_after.saturating_add(self.own).saturating_add(more) > limit;
        exceeds_share || (self.all > 0 && all_after > limit)
    }
}
