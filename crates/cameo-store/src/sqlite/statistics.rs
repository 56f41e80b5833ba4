//! Statistics of the stored tasks.

use rusqlite::Connection;

use super::rows;
use crate::error::Result;
use crate::queue::{Load, StageTotal};

/// Selects the mean run time of the completed ones among the tasks that ended last.
pub const MEAN_SECONDS: &str = "
    SELECT avg(finished_at - started_at) FILTER (WHERE status = 'completed') / 1e3 FROM
    (SELECT * FROM tasks WHERE finished_at IS NOT NULL ORDER BY finished_at DESC LIMIT 20)";

/// The pixels of all waiting tasks, and the time at which the oldest was created. The pixels are added as floating-point
/// numbers, so that a damaged row cannot make the sum overflow.
pub const WAITING: &str = "SELECT total(pixels), min(created_at) FROM tasks WHERE status = 'pending'";

pub fn load(db: &Connection) -> Result<Load> {
    let mut counts = db.prepare_cached("SELECT status, operation, count FROM task_counts WHERE count > 0")?;
    let counts = counts.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let counts = counts.filter_map(rows::readable).collect::<rusqlite::Result<_>>()?;
    let (pending_pixels, oldest_pending) =
        db.prepare_cached(WAITING)?.query_row([], |row| Ok((row.get::<_, f64>(0)? as u64, row.get(1)?)))?;
    let mean_seconds = db.prepare_cached(MEAN_SECONDS)?.query_row([], |row| row.get(0))?;
    Ok(Load { counts, pending_pixels, oldest_pending, mean_seconds })
}

pub fn stage_totals(db: &Connection) -> Result<Vec<StageTotal>> {
    let mut select = db.prepare_cached("SELECT stage, count, seconds FROM stage_totals ORDER BY stage")?;
    let totals =
        select.query_map([], |row| Ok(StageTotal { stage: row.get(0)?, count: row.get(1)?, seconds: row.get(2)? }))?;
    Ok(totals.collect::<rusqlite::Result<_>>()?)
}
