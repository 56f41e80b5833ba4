//! The status of a task as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive};
use axum::response::{IntoResponse, Sse};
use futures_util::stream::unfold;
use tokio::sync::watch::Receiver;

use super::caller::{Caller, find_owned_task};
use super::extract::PathId;
use super::problem::Result;
use super::responses::TaskErrors;
use super::state::AppState;
use super::status::TaskBody;

/// Follow a task
///
/// Server-sent events named `status`, one for each change, with the task as JSON. The stream ends when the task does.
#[utoipa::path(
    get, path = "/api/v1/upscale/events/{task_id}", tag = "tasks",
    params(("task_id" = String, Path, description = "The id that the submission returned")),
    responses(
        (status = 200, description = "Events", body = String, content_type = "text/event-stream"),
        TaskErrors,
    )
)]
pub async fn events(
    State(state): State<Arc<AppState>>,
    caller: Caller,
    PathId(id): PathId,
) -> Result<impl IntoResponse> {
    find_owned_task(&state, &caller, &id).await?;
    let (changes, stopping) = (state.changes.subscribe(), state.stopping.subscribe());
    let events = TaskEvents { state, caller, id, changes, stopping, last_sent: String::new(), over: false };
    let events = Sse::new(unfold(events, TaskEvents::next)).keep_alive(KeepAlive::default());
    // nginx would keep the events until there are some kilobytes of them.
    Ok(([("x-accel-buffering", "no")], events))
}

/// The events of one task, for one client.
struct TaskEvents {
    state: Arc<AppState>,
    caller: Caller,
    id: String,
    changes: Receiver<i64>,
    stopping: Receiver<bool>,
    last_sent: String,
    /// The last event told of the task's end.
    over: bool,
}

impl TaskEvents {
    /// Waits until the task differs from what was sent last. Returns `None` when the stream ends.
    async fn next(mut self) -> Option<(std::result::Result<Event, Infallible>, Self)> {
        loop {
            if self.over {
                return None;
            }
            // If the user may not see the task any more, if it was deleted, or if the store cannot be read, there is
            // nothing more to send.
            self.caller.check(&self.state).await.ok()?;
            let task = find_owned_task(&self.state, &self.caller, &self.id).await.ok()?;
            self.over = !task.status.is_active();
            let body = serde_json::to_string(&TaskBody::new(&self.state, task).await.ok()?).ok()?;
            if body != self.last_sent {
                self.last_sent.clone_from(&body);
                return Some((Ok(Event::default().event("status").data(body)), self));
            }
            tokio::select! {
                changed = self.changes.changed() => changed.ok()?,
                _ = self.stopping.wait_for(|stops| *stops) => return None,
            }
        }
    }
}
