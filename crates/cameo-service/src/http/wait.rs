//! Waiting for a task, for clients that prefer the result to the id of the task.

use std::time::Duration;

use axum::http::HeaderMap;
use cameo_store::{Task, TaskId};

use super::problem::{Problem, Result};
use super::state::AppState;

/// The longest time that a client may ask to wait.
const MAX_WAIT_SECS: u64 = 120;

/// Returns the N of `Prefer: wait=N` (RFC 7240: the name in any case, the value quoted or not).
pub fn preferred_wait(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let mut preferences = values.flat_map(|value| value.split([',', ';'])).filter_map(|part| part.split_once('='));
    let (_, secs) = preferences.find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))?;
    let secs: u64 = secs.trim().trim_matches('"').parse().ok()?;
    Some(Duration::from_secs(secs.min(MAX_WAIT_SECS)))
}

/// Waits until a task is over, and returns it; `None` if that takes longer than `wait`.
pub async fn wait_until_over(state: &AppState, id: TaskId, wait: Duration) -> Result<Option<Task>> {
    let deadline = tokio::time::Instant::now() + wait;
    let mut task = state.task_watch.watch(id).await?;
    let mut stopping = state.stopping.subscribe();
    loop {
        let deleted = || Problem::not_found("task_not_found", "the task was deleted: submit the photo again");
        let seen = task.borrow_and_update().clone().ok_or_else(deleted)?;
        if !seen.task.status.is_active() {
            return Ok(Some(seen.task.clone()));
        }
        tokio::select! {
            _ = task.changed() => {}
            () = tokio::time::sleep_until(deadline) => return Ok(None),
            _ = stopping.wait_for(|stops| *stops) => return Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_may_be_written_in_any_way_of_the_standard() {
        let wait = |prefer: &str| {
            preferred_wait(&HeaderMap::from_iter([("prefer".parse().unwrap(), prefer.parse().unwrap())]))
        };
        for prefer in ["wait=30", "Wait=30", "wait=\"30\"", "wait = 30", "respond-async, wait=30", "wait=30; x=1"] {
            assert_eq!(wait(prefer), Some(Duration::from_secs(30)), "{prefer}");
        }
        assert_eq!(wait("wait=1000"), Some(Duration::from_secs(MAX_WAIT_SECS)));
        assert_eq!(wait("respond-async"), None);
        assert_eq!(wait("wait=soon"), None);
    }
}
