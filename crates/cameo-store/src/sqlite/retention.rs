//! Which tasks and blobs are no longer needed.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, Transaction};
use uuid::Uuid;

use super::rows;
use crate::error::Result;
use crate::queue::Lease;
use crate::task::{Task, TaskStatus};
use crate::time::Millis;

/// Selects the completed tasks that finished before a time and whose results have not expired, as many as are changed
/// in one transaction.
pub const EXPIRING: &str =
    "SELECT seq FROM tasks WHERE status = 'completed' AND expired = 0 AND finished_at < ? LIMIT 1000";

/// Selects the tasks that ended before a time and have no result, as many as are deleted in one transaction.
pub const OUTDATED: &str =
    "SELECT seq FROM tasks WHERE finished_at < ? AND (status <> 'completed' OR expired = 1) LIMIT 1000";

/// Returns whether [`expire`] would change anything.
pub fn is_due(db: &Connection, results_before: Millis, tasks_before: Millis) -> Result<bool> {
    Ok(db.prepare_cached(EXPIRING)?.exists([results_before])? || db.prepare_cached(OUTDATED)?.exists([tasks_before])?)
}

/// Expires results and deletes tasks. Returns the blob keys of the results.
pub fn expire(db: &Transaction<'_>, results_before: Millis, tasks_before: Millis) -> Result<Vec<String>> {
    let mut update =
        db.prepare_cached(&format!("UPDATE tasks SET expired = 1 WHERE seq IN ({EXPIRING}) RETURNING id, fence"))?;
    let keys = update.query_map([results_before], |row| {
        Ok(Lease { task: row.get::<_, rows::Id>(0)?.0, fence: row.get(1)? }.output_key())
    })?;
    // Nobody can find the result of a task without an id.
    let keys = keys.filter_map(rows::readable).collect::<rusqlite::Result<_>>()?;
    db.prepare_cached(&format!("DELETE FROM tasks WHERE seq IN ({OUTDATED})"))?.execute([tasks_before])?;
    Ok(keys)
}

/// Returns those of these blob keys that a task still needs.
pub fn referenced(db: &Connection, keys: Vec<String>) -> Result<HashSet<String>> {
    let mut referenced = HashSet::new();
    for key in keys {
        if is_referenced(db, &key)? {
            referenced.insert(key);
        }
    }
    Ok(referenced)
}

fn is_referenced(db: &Connection, key: &str) -> Result<bool> {
    let Some(id) = task_of(key) else { return Ok(false) };
    let mut select = db.prepare_cached("SELECT status, fence, expired FROM tasks WHERE id = ?")?;
    let task = select.query_row([id.to_string()], |row| {
        let (fence, expired): (i64, bool) = (row.get(1)?, row.get(2)?);
        let is_output = key == Lease { task: id, fence }.output_key();
        // The blobs of a damaged row are kept.
        Ok(row.get(0).map_or(true, |status| match status {
            TaskStatus::Pending => key == Task::input_key(id),
            TaskStatus::Processing => is_output || key == Task::input_key(id),
            TaskStatus::Completed => is_output && !expired,
            TaskStatus::Failed | TaskStatus::Cancelled => false,
        }))
    });
    Ok(task.optional()?.unwrap_or(false))
}

/// Returns the task whose id is in a blob key; `None` if this is no key of a task's blob.
fn task_of(key: &str) -> Option<Uuid> {
    const UUID_CHARS: usize = 36;
    let (_, name) = key.split_once('/')?;
    Uuid::try_parse(name.get(..UUID_CHARS)?).ok()
}
