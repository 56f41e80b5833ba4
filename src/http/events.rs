//! A task's states as they change: server-sent events.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::watch::Receiver;

use super::Service;
use super::caller::{Caller, own};
use super::extract::Named;
use super::problem::{OfTask, Result};
use super::status::TaskStatus;

/// How far a task is, as it goes
///
/// Server-sent events named `status` with the task as JSON, one for each change; the stream ends when the task is over.
#[utoipa::path(
    get, path = "/api/v1/upscale/events/{task_id}", tag = "tasks",
    params(("task_id" = String, Path, description = "As given when it was submitted")),
    responses(
        (status = 200, description = "Events", body = String, content_type = "text/event-stream"),
        OfTask,
    )
)]
pub async fn events(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Named(id): Named,
) -> Result<Sse<impl Stream<Item = std::result::Result<Event, Infallible>>>> {
    own(&service, &caller, &id).await?;
    let changes = service.changes.subscribe();
    let watch = Watch { service, caller, id, changes, last: String::new(), over: false };
    Ok(Sse::new(unfold(watch, Watch::next)).keep_alive(KeepAlive::default()))
}

/// One stream.
struct Watch {
    service: Arc<Service>,
    caller: Caller,
    id: String,
    changes: Receiver<i64>,
    /// What was told last.
    last: String,
    over: bool,
}

impl Watch {
    /// Waits until the task is another than it was told to be.
    async fn next(mut self) -> Option<(std::result::Result<Event, Infallible>, Self)> {
        loop {
            if self.over {
                return None;
            }
            // Forgotten meanwhile, or the store is gone: nothing more to tell.
            let task = own(&self.service, &self.caller, &self.id).await.ok()?;
            self.over = !task.status.active();
            let told = serde_json::to_string(&TaskStatus::of(&self.service, task).await.ok()?).ok()?;
            if told != self.last {
                self.last.clone_from(&told);
                return Some((Ok(Event::default().event("status").data(told)), self));
            }
            self.changes.changed().await.ok()?;
        }
    }
}
