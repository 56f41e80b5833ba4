//! The order in which pending tasks are claimed.

use rusqlite::{Connection, OptionalExtension};

use super::rows::Id;
use crate::error::Result;
use crate::task::TaskId;
use crate::time::Millis;

/// Selects the pending tasks with their positions in the queue, counted from 1.
///
/// Users take turns. The turn of a task is its rank among the pending tasks of its owner, plus the number of the
/// owner's running tasks, so that a user without running tasks goes before one with some. In each turn, the user whose
/// last claim is the oldest comes first.
const PENDING: &str = "
    SELECT id, not_before, row_number() OVER (ORDER BY turn, last_claim_at, seq) AS position FROM (
        SELECT tasks.id AS id, seq, not_before, users.last_claim_at AS last_claim_at,
            row_number() OVER (PARTITION BY owner ORDER BY seq) + (
                SELECT count(*) FROM tasks AS running WHERE status = 'processing' AND running.owner = tasks.owner
            ) AS turn
        FROM tasks JOIN users ON users.id = tasks.owner WHERE status = 'pending')";

/// Returns the first pending task that need not wait for its retry.
pub fn next(db: &Connection, now: Millis) -> Result<Option<TaskId>> {
    let mut select =
        db.prepare_cached(&format!("SELECT id FROM ({PENDING}) WHERE not_before <= ? ORDER BY position LIMIT 1"))?;
    Ok(select.query_row([now], |row| Ok(row.get::<_, Id>(0)?.0)).optional()?)
}

/// Returns the position of a pending task, 1 for the first one; `None` if it is not pending.
pub fn position(db: &Connection, id: TaskId) -> Result<Option<u64>> {
    let mut select = db.prepare_cached(&format!("SELECT position FROM ({PENDING}) WHERE id = ?"))?;
    Ok(select.query_row([id.to_string()], |row| row.get(0)).optional()?)
}
