//! Submitting photos: a form becomes a task.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cameo_core::pipeline::Operation;
use cameo_store::{Admission, NewTask, Submission, TaskId, now};
use http_body_util::Limited;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::caller::Caller;
use super::health;
use super::params::{IDEMPOTENCY_KEY, TaskParams};
use super::problem::{Problem, Result};
use super::responses::PhotoErrors;
use super::result;
use super::state::AppState;
use super::upload::{self, PhotoForm};
use super::wait::{preferred_wait, wait_until_over};

/// Bytes that a form may have besides its photo.
const FORM_OVERHEAD_BYTES: u64 = 64 << 10;
/// Bytes that stay free on the disk besides a photo, for the database.
const DISK_RESERVE_BYTES: u64 = 256 << 10;
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
    let remaining = admit(&state, &caller, request.headers()).await?;
    let Some(upload) = state.uploads.take(caller.id, remaining) else {
        return Err(refusal(&state, Admission::UserFull).await);
    };
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
    // From here on the task itself counts, and its client may wait for it.
    drop(upload);
    answer(&state, id, operation, &headers).await
}

/// Refuses a submission before its body is read: no engine is ready, the queue is full, or the upload is too large.
///
/// A submission that was accepted before is not refused for the state of the queue: its client asks for the task's id.
/// Returns how many uploads the caller may have at once.
async fn admit(state: &AppState, caller: &Caller, headers: &HeaderMap) -> Result<u64> {
    let is_repeated = match headers.get(IDEMPOTENCY_KEY).and_then(|key| key.to_str().ok()) {
        Some(key) => state.store.has_idempotency_key(caller.id, key).await?,
        None => false,
    };
    let max_uploads = if is_repeated {
        state.settings.queue.tasks_per_user
    } else {
        health::require_ready_worker(state).await?;
        match state.store.admission(caller.id, state.settings.queue).await? {
            Admission::Open { remaining } => remaining,
            full => return Err(refusal(state, full).await),
        }
    };
    check_room(state, headers)?;
    let declared = declared_bytes(headers);
    match declared {
        Some(bytes) if bytes > max_form_bytes(state) => Err(upload::too_large()),
        _ => Ok(max_uploads),
    }
}

/// Refuses a photo for which there is no room on the disk.
fn check_room(state: &AppState, headers: &HeaderMap) -> Result<()> {
    let needed = declared_bytes(headers).unwrap_or_default().min(max_form_bytes(state)) + DISK_RESERVE_BYTES;
    match state.blobs.free_bytes() {
        Some(free) if free < needed => {
            tracing::error!(free, "a photo was refused: the disk of the data folder is full");
            Err(Problem::unavailable("storage_full", "the server has no room for photos: try again later", 60))
        }
        _ => Ok(()),
    }
}

/// Returns the size of the body that the client announces.
fn declared_bytes(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn max_form_bytes(state: &AppState) -> u64 {
    state.settings.max_upload_bytes + FORM_OVERHEAD_BYTES
}

/// Returns the answer to a submission that the queue refuses.
async fn refusal(state: &AppState, admission: Admission) -> Problem {
    let load = match state.load_cache.load().await {
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

async fn read_form(state: &AppState, request: Request, id: TaskId) -> Result<PhotoForm> {
    let (mut request, header_limit) =
        upload::limit_part_headers(request.map(|body| Body::new(Limited::new(body, max_form_bytes(state) as usize))));
    DefaultBodyLimit::disable().apply(&mut request);
    let invalid = |detail| Problem::bad_request("invalid_form", detail);
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_ascii_lowercase();
    if content_type.starts_with("multipart/form-data") && !content_type.contains("boundary=") {
        return Err(invalid("the Content-Type lacks the form's boundary: let your HTTP library set this header"));
    }
    let not_a_form = |_| invalid("send the photo as multipart/form-data, in a part named file");
    let form = Multipart::from_request(request, &()).await.map_err(not_a_form)?;
    upload::read(form, header_limit, id, state).await
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
