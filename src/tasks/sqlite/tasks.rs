//! The API's side of the store.

use std::collections::HashSet;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Sqlite, rows};
use crate::{
    Admission, Lease, Load, Millis, NewTask, Page, QueueLimits, Result, StageTotal, Status, Submitted, Task, TaskId,
    Tasks, UserId,
};

/// How many of the last runs the mean time is taken over.
const RECENT: u32 = 20;

/// Pending tasks in the order they will be claimed: users take turns, the one who has waited longest first. A turn is
/// a user's rank among its own tasks, those that run counted in.
const IN_TURN: &str = "
    SELECT id, not_before, row_number() OVER (ORDER BY turn, claimed_at, seq) AS position FROM (
        SELECT tasks.id AS id, seq, not_before, users.claimed_at AS claimed_at,
            row_number() OVER (PARTITION BY owner ORDER BY seq) + (
                SELECT count(*) FROM tasks AS running WHERE status = 'processing' AND running.owner = tasks.owner
            ) AS turn
        FROM tasks JOIN users ON users.id = tasks.owner WHERE status = 'pending')";

#[async_trait]
impl Tasks for Sqlite {
    async fn submit(&self, task: NewTask, limits: QueueLimits, now: Millis) -> Result<Submitted> {
        self.write(move |db| {
            if let Some((key, body)) = &task.idempotency {
                let known = db
                    .prepare_cached("SELECT task, body FROM idempotency WHERE owner = ? AND key = ?")?
                    .query_row(params![task.owner, key], |row| {
                        Ok((row.get::<_, rows::Id>(0)?.0, row.get::<_, String>(1)?))
                    })
                    .optional()?;
                match known {
                    Some((id, found)) if *body == found => return Ok(Submitted::Known(id)),
                    Some(_) => return Ok(Submitted::KeyReused),
                    None => {}
                }
            }
            let admission = admission(db, task.owner, limits, task.pixels)?;
            if !matches!(admission, Admission::Open { .. }) {
                return Ok(Submitted::Refused(admission));
            }
            let id = task.id.to_string();
            db.prepare_cached(
                "INSERT INTO tasks (id, owner, kind, recipe, status, pixels, created_at)
                 VALUES (?, ?, ?, ?, 'pending', ?, ?)",
            )?
            .execute(params![id, task.owner, task.kind, task.recipe, task.pixels, now])?;
            if let Some((key, body)) = &task.idempotency {
                db.prepare_cached("INSERT INTO idempotency (owner, key, body, task) VALUES (?, ?, ?, ?)")?
                    .execute(params![task.owner, key, body, id])?;
            }
            Ok(Submitted::Accepted)
        })
        .await
    }

    async fn admission(&self, owner: UserId, limits: QueueLimits) -> Result<Admission> {
        self.read(move |db| admission(db, owner, limits, 0)).await
    }

    async fn task(&self, id: TaskId) -> Result<Option<Task>> {
        self.look_up(|db| find(db, id))
    }

    async fn queue_position(&self, id: TaskId) -> Result<Option<u64>> {
        self.read(move |db| {
            let mut found = db.prepare_cached(&format!("SELECT position FROM ({IN_TURN}) WHERE id = ?"))?;
            Ok(found.query_row([id.to_string()], |row| row.get(0)).optional()?)
        })
        .await
    }

    async fn list(&self, owner: UserId, page: Page) -> Result<Vec<Task>> {
        self.read(move |db| {
            let mut found =
                db.prepare_cached("SELECT * FROM tasks WHERE owner = ? AND seq < ? ORDER BY seq DESC LIMIT ?")?;
            let rows = found.query_map(params![owner, page.before.unwrap_or(i64::MAX), page.limit], rows::task)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn cancel(&self, id: TaskId, now: Millis) -> Result<bool> {
        self.write(move |db| {
            let cancelled = db
                .prepare_cached(
                    "UPDATE tasks SET status = 'cancelled', finished_at = ?, worker = NULL, lease_until = NULL,
                     stage = NULL WHERE id = ? AND status IN ('pending', 'processing')",
                )?
                .execute(params![now, id.to_string()])?;
            Ok(cancelled == 1)
        })
        .await
    }

    async fn forget(&self, id: TaskId) -> Result<bool> {
        self.write(move |db| {
            let forgotten = db
                .prepare_cached("DELETE FROM tasks WHERE id = ? AND status NOT IN ('pending', 'processing')")?
                .execute([id.to_string()])?;
            Ok(forgotten == 1)
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
            let forgotten = db
                .prepare_cached(
                    "DELETE FROM tasks WHERE status IN ('completed', 'failed', 'cancelled') AND finished_at < ?",
                )?
                .execute([tasks_before])?;
            Ok((expired + forgotten) as u64)
        })
        .await
    }

    async fn blobs(&self) -> Result<HashSet<String>> {
        self.read(|db| {
            let mut blobs = HashSet::new();
            let mut active =
                db.prepare_cached("SELECT id, status, fence FROM tasks WHERE status IN ('pending', 'processing')")?;
            let rows = active.query_map([], |row| {
                Ok((row.get::<_, Status>(1)?, Lease { task: row.get::<_, rows::Id>(0)?.0, fence: row.get(2)? }))
            })?;
            for row in rows {
                let (status, lease) = row?;
                blobs.insert(Task::input(lease.task));
                if status == Status::Processing {
                    blobs.insert(lease.output());
                }
            }
            let mut kept =
                db.prepare_cached("SELECT outcome ->> 'blob' FROM tasks WHERE status = 'completed' AND expired = 0")?;
            for row in kept.query_map([], |row| row.get(0))? {
                blobs.insert(row?);
            }
            Ok(blobs)
        })
        .await
    }

    async fn load(&self) -> Result<Load> {
        self.read(|db| {
            let mut counts = db.prepare_cached("SELECT status, kind, count(*) FROM tasks GROUP BY status, kind")?;
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
                .query_row([RECENT], |row| row.get(0))?;
            Ok(Load { counts, pending_pixels, oldest_pending, mean_seconds })
        })
        .await
    }

    async fn stage_totals(&self) -> Result<Vec<StageTotal>> {
        self.read(|db| {
            let mut totals = db.prepare_cached("SELECT stage, count, seconds FROM stage_totals ORDER BY stage")?;
            let rows = totals
                .query_map([], |row| Ok(StageTotal { stage: row.get(0)?, count: row.get(1)?, seconds: row.get(2)? }))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn version(&self) -> Result<i64> {
        self.data_version().await
    }
}

/// Whether one more task of `pixels` would be taken. Each user's share is told first: it is what that user can change.
fn admission(db: &Connection, owner: UserId, limits: QueueLimits, pixels: u64) -> Result<Admission> {
    let mine: u64 = db
        .prepare_cached("SELECT count(*) FROM tasks WHERE owner = ? AND status IN ('pending', 'processing')")?
        .query_row([owner], |row| row.get(0))?;
    if mine >= limits.tasks_per_user {
        return Ok(Admission::UserFull);
    }
    let (count, waiting): (u64, u64) = db
        .prepare_cached("SELECT count(*), coalesce(sum(pixels), 0) FROM tasks WHERE status = 'pending'")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    // A photo larger than all the room there is must not wait for ever: an empty queue takes it.
    let full = count >= limits.tasks || (count > 0 && waiting + pixels > limits.pixels);
    Ok(if full { Admission::QueueFull } else { Admission::Open { remaining: limits.tasks_per_user - mine } })
}

pub(super) fn find(db: &Connection, id: TaskId) -> Result<Option<Task>> {
    let mut found = db.prepare_cached("SELECT * FROM tasks WHERE id = ?")?;
    Ok(found.query_row([id.to_string()], rows::task).optional()?)
}

/// The pending task that is next, of those that need not wait for their retry.
pub(super) fn next(db: &Connection, now: Millis) -> Result<Option<TaskId>> {
    let mut next =
        db.prepare_cached(&format!("SELECT id FROM ({IN_TURN}) WHERE not_before <= ? ORDER BY position LIMIT 1"))?;
    Ok(next.query_row([now], |row| Ok(row.get::<_, rows::Id>(0)?.0)).optional()?)
}
