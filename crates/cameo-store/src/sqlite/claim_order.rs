//! The order in which pending tasks are claimed.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::rows::{self, Id};
use crate::error::Result;
use crate::task::{Task, TaskId};
use crate::time::Millis;

/// Selects the pending tasks with their positions in the queue, counted from 1.
///
/// Users take turns. The turn of a task is its rank among the pending tasks of its owner, plus the number of the
/// owner's running tasks, so that a user without running tasks goes before one with some. In each turn, the user whose
/// last claim is the oldest comes first.
pub const PENDING: &str = "
    SELECT seq, id, not_before, row_number() OVER (ORDER BY turn, last_claim_at, seq) AS position FROM (
        SELECT seq, tasks.id AS id, not_before, users.last_claim_at AS last_claim_at,
            row_number() OVER (PARTITION BY owner ORDER BY seq) + (
                SELECT count(*) FROM tasks AS running WHERE status = 'processing' AND running.owner = tasks.owner
            ) AS turn
        FROM tasks JOIN users ON users.id = tasks.owner WHERE status = 'pending')";

/// The longest delay before a retry.
pub const MAX_RETRY_DELAY: Millis = 8000;

/// Returns the condition that a task need not wait for its retry at the time `?1`. A retry that is further away than any
/// delay has its time from before the clock was put back.
pub fn is_ready() -> String {
    format!("(not_before <= ?1 OR not_before > ?1 + {MAX_RETRY_DELAY})")
}

/// Returns the first `count` pending tasks that need not wait for their retry.
pub fn first(db: &Connection, count: u32, now: Millis) -> Result<Vec<Task>> {
    let mut select = db.prepare_cached(&format!(
        "SELECT tasks.* FROM (SELECT seq, position FROM ({PENDING}) WHERE {}) JOIN tasks USING (seq)
         ORDER BY position LIMIT ?2",
        is_ready()
    ))?;
    let tasks = select.query_map(params![now, count], rows::task)?;
    Ok(tasks.filter_map(rows::readable).collect::<rusqlite::Result<_>>()?)
}

/// Returns the `seq` of the first pending task that need not wait for its retry.
pub fn next(db: &Connection, now: Millis) -> Result<Option<i64>> {
    let mut select =
        db.prepare_cached(&format!("SELECT seq FROM ({PENDING}) WHERE {} ORDER BY position LIMIT 1", is_ready()))?;
    Ok(select.query_row([now], |row| row.get(0)).optional()?)
}

/// Returns the positions of those of these tasks that are pending, 1 for the first one.
pub fn positions(db: &Connection, ids: &[TaskId]) -> Result<HashMap<TaskId, u64>> {
    let mut select = db.prepare_cached(&format!(
        "SELECT id, position FROM ({PENDING}) WHERE id IN (SELECT value FROM json_each(?))"
    ))?;
    let positions = select.query_map([rows::json(ids)?], |row| Ok((row.get::<_, Id>(0)?.0, row.get(1)?)))?;
    Ok(positions.collect::<rusqlite::Result<_>>()?)
}
