//! The status of tasks, and their end: cancelling and deleting.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use cameo_core::pipeline::Foreground;
use cameo_store::{Millis, Page, Task, TaskStatus, now};
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::caller::{Caller, find_owned_task};
use super::extract::{PathId, Query};
use super::problem::{Problem, Result};
use super::queued_task::{QueuedTask, with_positions};
use super::responses::{ListErrors, TaskErrors};
use super::state::AppState;

/// Tasks on a page unless the caller asks for another number.
const DEFAULT_PAGE_TASKS: u32 = 20;
const MAX_PAGE_TASKS: u32 = 100;

/// A task as the API returns it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Task)]
pub struct TaskBody {
    task_id: Uuid,
    #[schema(schema_with = status_schema)]
    status: &'static str,
    /// The result's path on this server, once the task is completed.
    #[schema(example = "/api/v1/upscale/result/0b2c6b7e-8c68-4b7c-9d8e-4f3f4d1f0a55")]
    result_path: Option<String>,
    /// Why the task failed, in one sentence.
    error: Option<String>,
    /// The stable code of the error, for programs.
    #[schema(example = "undecodable_image")]
    error_code: Option<String>,
    #[schema(example = "combo")]
    operation: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    started_at: Option<String>,
    #[schema(format = DateTime)]
    finished_at: Option<String>,
    /// The position in the queue, 1 for the next task; null unless the task is pending.
    queue_position: Option<u64>,
    /// The completed fraction of the work, 0 to 1, from the usual times of the stages.
    #[schema(minimum = 0, maximum = 1)]
    progress: f64,
    /// The stage that is running.
    #[schema(example = "matte")]
    stage: Option<String>,
    #[schema(example = "cpu")]
    engine: Option<String>,
    /// The width of the result in pixels.
    width: Option<u32>,
    /// The height of the result in pixels.
    height: Option<u32>,
    /// An uncertainty score from 0 to 1, not a probability; null without a cut-out.
    #[schema(minimum = 0, maximum = 1, example = 0.06)]
    matte_uncertainty: Option<f64>,
    /// The subject's bounding box in the result, in pixels; null if there is no subject.
    foreground: Option<Foreground>,
    /// Milliseconds that each stage took.
    stage_ms: Option<BTreeMap<String, f64>>,
    /// The task was completed, but the time to fetch its result is over.
    expired: bool,
}

fn status_schema() -> Object {
    use TaskStatus::{Cancelled, Completed, Failed, Pending, Processing};
    let names = [Pending, Processing, Completed, Failed, Cancelled].map(|status| status.into_str());
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).build()
}

/// Formats a time as RFC 3339 with milliseconds, always: so that times sort as text.
fn rfc3339(ms: Millis) -> String {
    format!("{:.3}", jiff::Timestamp::from_millisecond(ms).unwrap_or_default())
}

impl From<QueuedTask> for TaskBody {
    fn from(QueuedTask { task, position }: QueuedTask) -> Self {
        let has_result = task.result.is_some() && !task.expired;
        let (error_code, error) = task.failure.map(|failure| (failure.code, failure.reason)).unzip();
        let result = task.result.as_ref();
        Self {
            task_id: task.id,
            status: task.status.into_str(),
            result_path: has_result.then(|| format!("/api/v1/upscale/result/{}", task.id)),
            error,
            error_code,
            operation: task.operation,
            created_at: rfc3339(task.created_at),
            started_at: task.started_at.map(rfc3339),
            finished_at: task.finished_at.map(rfc3339),
            queue_position: position,
            progress: task.progress,
            stage: task.stage,
            engine: task.engine,
            width: result.map(|result| result.width),
            height: result.map(|result| result.height),
            matte_uncertainty: result.and_then(|result| result.matte_uncertainty),
            foreground: result.and_then(|result| result.foreground).map(Into::into),
            stage_ms: task.result.map(|result| result.stages.into_iter().collect()),
            expired: task.expired,
        }
    }
}

/// Returns a task as the API returns it.
async fn body(state: &AppState, task: Task) -> Result<Json<TaskBody>> {
    Ok(Json(QueuedTask::new(&*state.store, task).await?.into()))
}

/// Get a task
///
/// Its status, its progress, and what is known of its result.
#[utoipa::path(
    get, path = "/api/v1/upscale/status/{task_id}", tag = "tasks",
    params(("task_id" = String, Path, description = "The id that the submission returned")),
    responses(
        (status = 200, description = "The task", body = TaskBody),
        TaskErrors,
    )
)]
pub async fn status(State(state): State<Arc<AppState>>, caller: Caller, PathId(id): PathId) -> Result<Json<TaskBody>> {
    let task = find_owned_task(&state, &caller, &id).await?;
    body(&state, task).await
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// Tasks on a page
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// The `next` of the page before
    before: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TaskPage {
    /// From the newest to the oldest.
    tasks: Vec<TaskBody>,
    /// Send it as `before` to get the next page; null on the last page.
    next: Option<i64>,
}

/// List tasks
///
/// The caller's own tasks, in pages.
#[utoipa::path(
    get, path = "/api/v1/upscale/tasks", tag = "tasks", params(PageParams),
    responses(
        (status = 200, description = "A page of tasks", body = TaskPage),
        ListErrors,
    )
)]
pub async fn tasks(
    State(state): State<Arc<AppState>>,
    caller: Caller,
    Query(page): Query<PageParams>,
) -> Result<Json<TaskPage>> {
    let limit = page.limit.unwrap_or(DEFAULT_PAGE_TASKS);
    if !(1..=MAX_PAGE_TASKS).contains(&limit) {
        let detail = format!("limit: {limit} is out of range: use 1 to {MAX_PAGE_TASKS}");
        return Err(Problem::bad_request("invalid_parameter", detail));
    }
    // One more than the page holds tells whether there is a next page.
    let mut found = state.store.list(caller.id, Page { before: page.before, limit: limit + 1 }).await?;
    let has_more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| has_more).map(|task| task.seq);
    let tasks = with_positions(&*state.store, found).await?.into_iter().map(TaskBody::from).collect();
    Ok(Json(TaskPage { tasks, next }))
}

/// Cancel or delete a task
///
/// Cancels a task that waits or runs, and returns it. Deletes a task that is over, with its result.
#[utoipa::path(
    delete, path = "/api/v1/upscale/{task_id}", tag = "tasks",
    params(("task_id" = String, Path, description = "The id that the submission returned")),
    responses(
        (status = 200, description = "Cancelled", body = TaskBody),
        (status = 204, description = "Deleted"),
        TaskErrors,
    )
)]
pub async fn cancel(State(state): State<Arc<AppState>>, caller: Caller, PathId(id): PathId) -> Result<Response> {
    let active = find_owned_task(&state, &caller, &id).await?;
    let cancelled = state.store.cancel(active.id, now()).await?;
    // The task changed by this, or has ended since it was read.
    let task = find_owned_task(&state, &caller, &id).await?;
    if cancelled {
        state.blobs.delete(&Task::input_key(task.id)).await?;
        return Ok(body(&state, task).await?.into_response());
    }
    state.store.delete(task.id).await?;
    if let Some(result) = task.result {
        state.delete_result(&result.blob_key).await?;
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}
