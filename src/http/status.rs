//! How far tasks are; and ending them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use cameo_tasks::{Millis, Page, Task, now};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::Service;
use super::caller::{Caller, own};
use super::extract::{Asked, Named};
use super::problem::{OfList, OfTask, Problem, Result};
use crate::pipeline::Foreground;

/// Tasks on a page unless asked for otherwise, and at most.
const PAGE: u32 = 20;
const MAX_PAGE: u32 = 100;

#[derive(Debug, Serialize, ToSchema)]
pub struct TaskStatus {
    task_id: Uuid,
    #[schema(value_type = Status)]
    status: &'static str,
    /// The result's path on this server once the task is completed.
    #[schema(example = "/api/v1/upscale/result/0b2c6b7e-8c68-4b7c-9d8e-4f3f4d1f0a55")]
    result_path: Option<String>,
    /// Why it failed, in one sentence.
    error: Option<String>,
    /// The same for programs.
    #[schema(example = "undecodable_image")]
    error_code: Option<String>,
    #[schema(example = "combo")]
    kind: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    started_at: Option<String>,
    #[schema(format = DateTime)]
    finished_at: Option<String>,
    /// 1 is next; null unless the task is pending.
    queue_position: Option<u64>,
    /// Share of the work that is done, by the times of the stages: 0 to 1.
    #[schema(minimum = 0, maximum = 1)]
    progress: f64,
    /// The stage that runs.
    #[schema(example = "matte")]
    stage: Option<String>,
    #[schema(example = "cpu")]
    engine: Option<String>,
    /// Of the result, in pixels.
    width: Option<u32>,
    height: Option<u32>,
    /// How likely the matte is wrong: 0 to 1; null without a cut-out.
    #[schema(minimum = 0, maximum = 1, example = 0.06)]
    matte_uncertainty: Option<f64>,
    /// The subject's box in the result, in pixels; null if there is none.
    foreground: Option<Foreground>,
    /// Milliseconds that each stage took.
    stage_ms: Option<BTreeMap<String, f64>>,
    /// The result was there and is gone.
    expired: bool,
}

/// What a task can be.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "for the document")]
enum Status {
    Pending,
    Processing,
    Completed,
    Failed,
    Cancelled,
}

fn time(ms: Millis) -> String {
    // Always in thousandths, so that they sort as text.
    format!("{:.3}", jiff::Timestamp::from_millisecond(ms).unwrap_or_default())
}

impl TaskStatus {
    pub async fn of(service: &Service, task: Task) -> Result<Self> {
        let queue_position = match task.status {
            cameo_tasks::Status::Pending => service.store.queue_position(task.id).await?,
            _ => None,
        };
        let completed = task.outcome.is_some() && !task.expired;
        let (error_code, error) = task.failure.map(|failure| (failure.code, failure.reason)).unzip();
        Ok(Self {
            task_id: task.id,
            status: task.status.name(),
            result_path: completed.then(|| format!("/api/v1/upscale/result/{}", task.id)),
            error,
            error_code,
            kind: task.kind,
            created_at: time(task.created_at),
            started_at: task.started_at.map(time),
            finished_at: task.finished_at.map(time),
            queue_position,
            progress: task.progress,
            stage: task.stage,
            engine: task.engine,
            width: task.outcome.as_ref().map(|outcome| outcome.width),
            height: task.outcome.as_ref().map(|outcome| outcome.height),
            matte_uncertainty: task.outcome.as_ref().and_then(|outcome| outcome.matte_uncertainty),
            foreground: task.outcome.as_ref().and_then(|outcome| outcome.foreground).map(Into::into),
            stage_ms: task.outcome.map(|outcome| outcome.stages.into_iter().collect()),
            expired: task.expired,
        })
    }
}

/// How far a task is
#[utoipa::path(
    get, path = "/api/v1/upscale/status/{task_id}", tag = "tasks",
    params(("task_id" = String, Path, description = "As given when it was submitted")),
    responses(
        (status = 200, description = "The task", body = TaskStatus),
        OfTask,
    )
)]
pub async fn status(State(service): State<Arc<Service>>, caller: Caller, Named(id): Named) -> Result<Json<TaskStatus>> {
    let task = own(&service, &caller, &id).await?;
    Ok(Json(TaskStatus::of(&service, task).await?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// Tasks on a page
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// The `next` of the page before
    before: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TaskPage {
    /// Newest first.
    tasks: Vec<TaskStatus>,
    /// To be sent as `before` for the next page; null on the last.
    next: Option<i64>,
}

/// One's own tasks
#[utoipa::path(
    get, path = "/api/v1/upscale/tasks", tag = "tasks", params(Paging),
    responses(
        (status = 200, description = "A page", body = TaskPage),
        OfList,
    )
)]
pub async fn tasks(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Asked(paging): Asked<Paging>,
) -> Result<Json<TaskPage>> {
    let invalid = |text: String| Problem::bad("invalid_parameter", text);
    let limit = paging.limit.unwrap_or(PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(invalid(format!("limit: {limit} is out of range: use 1 to {MAX_PAGE}")));
    }
    let mut found = service.store.list(caller.id, Page { before: paging.before, limit: limit + 1 }).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|task| task.seq);
    let mut tasks = Vec::with_capacity(found.len());
    for task in found {
        tasks.push(TaskStatus::of(&service, task).await?);
    }
    Ok(Json(TaskPage { tasks, next }))
}

/// Cancel or delete a task
///
/// Cancels a task that waits or runs, and answers with its state; deletes one that is over, result and all.
#[utoipa::path(
    delete, path = "/api/v1/upscale/{task_id}", tag = "tasks",
    params(("task_id" = String, Path, description = "As given when it was submitted")),
    responses(
        (status = 200, description = "Cancelled", body = TaskStatus),
        (status = 204, description = "Deleted"),
        OfTask,
    )
)]
pub async fn cancel(State(service): State<Arc<Service>>, caller: Caller, Named(id): Named) -> Result<Response> {
    let task = own(&service, &caller, &id).await?;
    if service.store.cancel(task.id, now()).await? {
        service.blobs.delete(&Task::input(task.id)).await?;
        let task = own(&service, &caller, &id).await?;
        return Ok(Json(TaskStatus::of(&service, task).await?).into_response());
    }
    // It is over: what it gave goes with it.
    let task = own(&service, &caller, &id).await?;
    service.store.forget(task.id).await?;
    if let Some(outcome) = task.outcome {
        service.blobs.delete(&super::result::webp(&outcome.blob)).await?;
        service.blobs.delete(&outcome.blob).await?;
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}
