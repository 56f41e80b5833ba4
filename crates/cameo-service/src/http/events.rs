//! The status of a task as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive};
use axum::response::{IntoResponse, Sse};
use cameo_store::UserId;
use futures_util::stream::unfold;
use tokio::sync::watch::Receiver;

use super::caller::{Caller, find_owned_task};
use super::extract::PathId;
use super::places::Place;
use super::problem::{Problem, Result};
use super::responses::StreamErrors;
use super::state::AppState;
use super::status::TaskBody;
use super::task_watch::SeenTask;

/// A stream ends with its task, which takes seconds.
const RETRY_SECS: u64 = 5;

/// Follow a task
///
/// Server-sent events named `status`, one for each change, with the task as JSON. The stream ends when the task does.
#[utoipa::path(
    get, path = "/api/v1/upscale/events/{task_id}", tag = "tasks",
    params(("task_id" = String, Path, description = "The id that the submission returned")),
    responses(
        (status = 200, description = "Events", body = String, content_type = "text/event-stream"),
        StreamErrors,
    )
)]
pub async fn events(
    State(state): State<Arc<AppState>>,
    caller: Caller,
    PathId(id): PathId,
) -> Result<impl IntoResponse> {
    let task = find_owned_task(&state, &caller, &id).await?;
    let max_streams = state.settings.max_streams_per_user;
    let place = state.streams.take(caller.id, max_streams).ok_or_else(|| too_many_streams(max_streams))?;
    let (task, stopping) = (state.task_watch.watch(task.id).await?, state.stopping.subscribe());
    let events = TaskEvents { state, caller, task, stopping, over: false, _place: place };
    let events = Sse::new(unfold(events, TaskEvents::next)).keep_alive(KeepAlive::default());
    // nginx would keep the events until there are some kilobytes of them.
    Ok(([("x-accel-buffering", "no")], events))
}

fn too_many_streams(max: u64) -> Problem {
    let detail = format!("{max} of your event streams are open, which is the limit: close one, or ask for the status");
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_streams", detail).retry_after(RETRY_SECS)
}

/// The events of one task, for one client.
struct TaskEvents {
    state: Arc<AppState>,
    caller: Caller,
    task: Receiver<SeenTask>,
    stopping: Receiver<bool>,
    /// The last event told of the task's end.
    over: bool,
    _place: Place<UserId>,
}

impl TaskEvents {
    /// Waits for the next change of the task. Returns `None` when the stream ends.
    async fn next(mut self) -> Option<(std::result::Result<Event, Infallible>, Self)> {
        if self.over {
            return None;
        }
        tokio::select! {
            changed = self.task.changed() => changed.ok()?,
            _ = self.stopping.wait_for(|stops| *stops) => return None,
        }
        // If the user may not see the task any more, or if it was deleted, there is nothing more to send.
        self.caller.check(&self.state).await.ok()?;
        let seen = self.task.borrow_and_update().clone()?;
        self.over = !seen.task.status.is_active();
        let body = serde_json::to_string(&TaskBody::from((*seen).clone())).ok()?;
        Some((Ok(Event::default().event("status").data(body)), self))
    }
}
