//! Submitting photos: a form becomes a task.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cameo_core::pipeline::Operation;
use cameo_store::{Admission, NewTask, Submission, Task, TaskId, now};
use http_body_util::{BodyExt, Limited};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::caller::Caller;
use super::health;
use super::params::TaskParams;
use super::problem::{Problem, Result};
use super::responses::PhotoErrors;
use super::result;
use super::state::AppState;
use super::upload::{self, PhotoForm};

/// The longest time that a client may ask to wait for its result.
const MAX_WAIT_SECS: u64 = 120;
/// Bytes that a form may have besides its photo.
const FORM_OVERHEAD_BYTES: u64 = 64 << 10;
/// How much of a refused upload is read, so that its sender gets to read the answer, and for how long.
const DRAIN_BYTES: usize = 64 << 20;
const DRAIN_TIME: Duration = Duration::from_secs(5);
/// The mean run time of a task, as long as none has been completed.
const UNKNOWN_TASK_SECS: f64 = 10.0;

/// A form with a photo.
#[derive(ToSchema)]
#[schema(as = PhotoForm)]
#[expect(dead_code, reason = "only its schema is used")]
pub struct PhotoUpload {
    /// JPEG, PNG, WebP, TIFF, BMP or GIF.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Headers of a submission.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only its schema is used")]
struct SubmitHeaders {
    /// `wait=N`: answer with the result itself if it is ready within N seconds, 120 at most
    #[param(rename = "Prefer")]
    prefer: Option<String>,
    /// Repeating a submission with the same key returns the task of the first one
    #[param(rename = "Idempotency-Key", max_length = 200)]
    idempotency_key: Option<String>,
}

/// The description of an answer of status 200.
const ACCEPTED: &str = "Accepted; with `Prefer: wait`, the result itself if it is ready in time";

#[derive(Debug, Serialize, ToSchema)]
pub struct AcceptedBody {
    task_id: Uuid,
    #[schema(example = "Background removal + enhancement combo task submitted successfully")]
    message: &'static str,
}

/// Cut out and enhance
///
/// Removes the background, then enlarges and sharpens the portrait.
#[utoipa::path(
    post, path = "/api/v1/upscale/combo", tag = "tasks", params(TaskParams, SubmitHeaders),
    request_body(content = PhotoUpload, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = ACCEPTED, content((AcceptedBody = "application/json"), (Vec<u8> = "image/png"))),
        PhotoErrors,
    )
)]
pub async fn combo(State(state): State<Arc<AppState>>, caller: Caller, request: Request) -> Result<Response> {
    submit(state, caller, request, Operation::Combo).await
}

/// Enhance only
///
/// Enlarges and sharpens; the background stays.
#[utoipa::path(
    post, path = "/api/v1/upscale", tag = "tasks", params(TaskParams, SubmitHeaders),
    request_body(content = PhotoUpload, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = ACCEPTED, content((AcceptedBody = "application/json"), (Vec<u8> = "image/png"))),
        PhotoErrors,
    )
)]
pub async fn enhance(State(state): State<Arc<AppState>>, caller: Caller, request: Request) -> Result<Response> {
    submit(state, caller, request, Operation::Enhance).await
}

/// Cut out only
///
/// Removes the background; the portrait keeps its size.
#[utoipa::path(
    post, path = "/api/v1/cutout", tag = "tasks", params(TaskParams, SubmitHeaders),
    request_body(content = PhotoUpload, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = ACCEPTED, content((AcceptedBody = "application/json"), (Vec<u8> = "image/png"))),
        PhotoErrors,
    )
)]
pub async fn cutout(State(state): State<Arc<AppState>>, caller: Caller, request: Request) -> Result<Response> {
    submit(state, caller, request, Operation::Cutout).await
}

async fn submit(state: Arc<AppState>, caller: Caller, request: Request, operation: Operation) -> Result<Response> {
    if let Err(problem) = admit(&state, &caller, request.headers()).await {
        drain(request).await;
        return Err(problem);
    }
    let headers = request.headers().clone();
    let params = TaskParams::from_query(request.uri().query().unwrap_or_default())?;
    let id = Uuid::new_v4();
    let form = tokio::time::timeout(state.settings.upload_timeout, read_form(&state, request, id)).await;
    let PhotoForm { fields, photo, header } =
        form.map_err(|_| upload::stalled("the upload took too long: send it again over a faster connection"))??;
    let params = params.or_form_fields(fields);
    let recipe = params.recipe(&state, &caller, operation).await?;
    // Refuses what no worker could carry out.
    recipe.resolve(header, &state.settings.limits)?;
    let task = NewTask {
        id,
        owner: caller.id,
        operation: operation.name().into(),
        recipe: serde_json::to_string(&recipe).map_err(Problem::internal)?,
        pixels: u64::from(header.width) * u64::from(header.height),
        idempotency: params.idempotency_key(&headers, operation, &photo.sha256)?,
    };
    let id = match state.store.submit(task, state.settings.queue, now()).await? {
        Submission::Accepted => {
            photo.guard.keep();
            state.metrics.received_bytes.inc_by(photo.bytes);
            id
        }
        Submission::Duplicate(first) => first,
        Submission::KeyReused => {
            let detail = "this Idempotency-Key was sent before with another request: choose a new key";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail));
        }
        Submission::Refused(admission) => return Err(refusal(&state, admission).await),
    };
    answer(&state, id, operation, &headers).await
}

/// Refuses a submission before its body is read: no engine is ready, the queue is full, or the upload is too large.
async fn admit(state: &AppState, caller: &Caller, headers: &HeaderMap) -> Result<()> {
    if !state.has_ready_worker().await? {
        return Err(health::no_engine());
    }
    match state.store.admission(caller.id, state.settings.queue).await? {
        Admission::Open { .. } => {}
        full => return Err(refusal(state, full).await),
    }
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    match declared {
        Some(bytes) if bytes > max_form_bytes(state) => Err(upload::too_large()),
        _ => Ok(()),
    }
}

fn max_form_bytes(state: &AppState) -> u64 {
    state.settings.max_upload_bytes + FORM_OVERHEAD_BYTES
}

/// Returns the answer to a submission that the queue refuses.
async fn refusal(state: &AppState, admission: Admission) -> Problem {
    let load = match state.store.load().await {
        Ok(load) => load,
        Err(error) => return error.into(),
    };
    // The queue has room again when the next task is completed.
    let secs = load.mean_seconds.unwrap_or(UNKNOWN_TASK_SECS).ceil().clamp(1.0, 600.0) as u64;
    let max_tasks = state.settings.queue.tasks_per_user;
    match admission {
        Admission::UserFull => {
            let detail = format!(
                "{max_tasks} of your tasks are waiting or running, which is the limit: wait until one has ended"
            );
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_tasks", detail)
                .retry_after(secs)
                .header("x-ratelimit-limit", max_tasks)
                .header("x-ratelimit-remaining", 0)
                .header("x-ratelimit-reset", secs)
        }
        Admission::QueueFull | Admission::Open { .. } => {
            Problem::unavailable("queue_full", format!("the queue is full: try again in {secs} seconds"), secs)
        }
    }
}

/// Reads on for a moment. A client whose connection is closed while it uploads does not get to read the answer.
async fn drain(request: Request) {
    let mut body = request.into_body();
    let mut bytes = 0;
    let reading = async {
        while let Some(Ok(frame)) = body.frame().await {
            bytes += frame.data_ref().map_or(0, |data| data.len());
            if bytes > DRAIN_BYTES {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(DRAIN_TIME, reading).await;
}

async fn read_form(state: &AppState, request: Request, id: TaskId) -> Result<PhotoForm> {
    let mut request = request.map(|body| Body::new(Limited::new(body, max_form_bytes(state) as usize)));
    DefaultBodyLimit::disable().apply(&mut request);
    let detail = "send the photo as multipart/form-data, in a part named file";
    let invalid = |_| Problem::bad_request("invalid_form", detail);
    let form = Multipart::from_request(request, &()).await.map_err(invalid)?;
    upload::read(form, id, &state.blobs, &state.settings.limits.input, &state.header_reads).await
}

/// Returns the task's id; or its result, if the client waits for it and it is ready in time.
async fn answer(state: &AppState, id: TaskId, operation: Operation, headers: &HeaderMap) -> Result<Response> {
    if let Some(wait) = preferred_wait(headers)
        && let Some(task) = wait_until_over(state, id, wait).await?
    {
        let mut response = result::result_of(state, &task, headers).await?;
        response.headers_mut().insert("preference-applied", HeaderValue::from_static("wait"));
        return Ok(response);
    }
    let message = match operation {
        Operation::Combo => "Background removal + enhancement combo task submitted successfully",
        Operation::Cutout => "Background removal task submitted successfully",
        Operation::Enhance => "Enhancement task submitted successfully",
    };
    let location = [(header::LOCATION, format!("/api/v1/upscale/status/{id}"))];
    Ok((location, Json(AcceptedBody { task_id: id, message })).into_response())
}

/// Returns the N of `Prefer: wait=N`.
fn preferred_wait(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let mut waits =
        values.flat_map(|value| value.split([',', ';'])).filter_map(|part| part.trim().strip_prefix("wait="));
    let secs: u64 = waits.next()?.trim().parse().ok()?;
    Some(Duration::from_secs(secs.min(MAX_WAIT_SECS)))
}

/// Waits until a task is over, and returns it; `None` if that takes longer than `wait`.
async fn wait_until_over(state: &AppState, id: TaskId, wait: Duration) -> Result<Option<Task>> {
    let deadline = tokio::time::Instant::now() + wait;
    let mut changes = state.changes.subscribe();
    loop {
        let deleted = || Problem::not_found("task_not_found", "the task was deleted: submit the photo again");
        let task = state.store.task(id).await?.ok_or_else(deleted)?;
        if !task.status.is_active() {
            return Ok(Some(task));
        }
        if tokio::time::timeout_at(deadline, changes.changed()).await.is_err() {
            return Ok(None);
        }
    }
}
