//! Photos in: a form becomes a task.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cameo_tasks::{Admission, NewTask, Submitted, TaskId, now};
use http_body_util::BodyExt;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::caller::Caller;
use super::problem::{OfPhoto, Problem, Result};
use super::upload::{self, Form, Guard};
use super::wishes::{self, Params};
use super::{Service, health, result};
use crate::pipeline::Job;

/// A worker answers by then, or is taken for gone.
const NOT_READY_RETRY_SECS: u64 = 5;
/// Longest that a caller may ask to wait, in seconds.
const MAX_WAIT_SECS: u64 = 120;
/// What is read of an upload that is refused, so that its sender comes to read the answer, and for how long.
const DRAIN_BYTES: usize = 64 << 20;
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// A form with a photo.
#[derive(ToSchema)]
#[expect(dead_code, reason = "for the document")]
pub struct PhotoForm {
    /// JPEG, PNG, WebP, TIFF, BMP or GIF.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// The answer to a submission, in the document.
const ACCEPTED: &str = "Accepted; with `Prefer: wait` and done in time, the picture itself";

#[derive(Debug, Serialize, ToSchema)]
pub struct Accepted {
    task_id: Uuid,
    #[schema(example = "Background removal + enhancement combo task submitted successfully")]
    message: &'static str,
}

/// Cut out, then enhance
///
/// The main job: removes the background, then enlarges and sharpens the portrait. With `Prefer: wait=N` the answer is
/// the picture itself if it is done in time.
#[utoipa::path(
    post, path = "/api/v1/upscale/combo", tag = "tasks", params(Params, Asked),
    request_body(content = PhotoForm, content_type = "multipart/form-data"),
    responses((status = 200, description = ACCEPTED, content((Accepted = "application/json"), (Vec<u8> = "image/png"))), OfPhoto)
)]
pub async fn combo(State(service): State<Arc<Service>>, caller: Caller, request: Request) -> Result<Response> {
    submit(service, caller, request, Job::Combo).await
}

/// Enhance alone
///
/// Enlarges and sharpens; the background stays.
#[utoipa::path(
    post, path = "/api/v1/upscale", tag = "tasks", params(Params, Asked),
    request_body(content = PhotoForm, content_type = "multipart/form-data"),
    responses((status = 200, description = ACCEPTED, content((Accepted = "application/json"), (Vec<u8> = "image/png"))), OfPhoto)
)]
pub async fn enhance(State(service): State<Arc<Service>>, caller: Caller, request: Request) -> Result<Response> {
    submit(service, caller, request, Job::Enhance).await
}

/// Cut out alone
///
/// Removes the background; the portrait keeps its size.
#[utoipa::path(
    post, path = "/api/v1/cutout", tag = "tasks", params(Params, Asked),
    request_body(content = PhotoForm, content_type = "multipart/form-data"),
    responses((status = 200, description = ACCEPTED, content((Accepted = "application/json"), (Vec<u8> = "image/png"))), OfPhoto)
)]
pub async fn cutout(State(service): State<Arc<Service>>, caller: Caller, request: Request) -> Result<Response> {
    submit(service, caller, request, Job::Cutout).await
}

/// Headers of a submission.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "for the document")]
struct Asked {
    /// `wait=N`: answer with the picture if it is done within N seconds, 120 at most
    #[param(rename = "Prefer")]
    prefer: Option<String>,
    /// The same key and body give the same task, however often they are sent
    #[param(rename = "Idempotency-Key", max_length = 200)]
    idempotency_key: Option<String>,
}

async fn submit(service: Arc<Service>, caller: Caller, request: Request, job: Job) -> Result<Response> {
    if let Err(problem) = admit(&service, &caller).await {
        drain(request).await;
        return Err(problem);
    }
    let headers = request.headers().clone();
    let query = wishes::of_query(&request)?;
    if declared_bytes(&headers).is_some_and(|bytes| bytes > service.settings.max_upload_bytes() as u64 + FORM_BYTES) {
        drain(request).await;
        return Err(upload::too_large());
    }
    let id = Uuid::new_v4();
    let reading = read(&service, request, id);
    let timeout = service.settings.upload_timeout();
    let slow = |_| Problem::new(StatusCode::REQUEST_TIMEOUT, "upload_stalled", "the upload took too long");
    let form = tokio::time::timeout(timeout, reading).await.map_err(slow)??;
    let guard = Guard::of(id, &service.blobs);
    let mut wishes = form.fields;
    wishes.extend(query);
    let recipe = wishes::recipe(&service, &caller, job, &wishes).await?;
    let bounds = service.settings.args.work.bounds.bounds();
    recipe.enhancement(form.header.width, form.header.height, bounds.output.0)?;
    let task = NewTask {
        id,
        owner: caller.id,
        kind: job.name().into(),
        recipe: serde_json::to_string(&recipe).map_err(Problem::internal)?,
        pixels: form.header.width as u64 * form.header.height as u64,
        idempotency: wishes::idempotency(&headers, job, &form.sha256, &wishes)?,
    };
    let id = match service.store.submit(task, service.settings.limits(), now()).await? {
        Submitted::Accepted => {
            guard.keep();
            service.metrics.got.inc_by(form.bytes);
            id
        }
        Submitted::Known(id) => id,
        Submitted::KeyReused => {
            let detail = "this Idempotency-Key came before with another body: choose a new key";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail));
        }
        Submitted::Refused(admission) => return Err(refusal(&service, admission).await),
    };
    answer(&service, id, job, &headers).await
}

/// Bytes of a form around its photo.
const FORM_BYTES: u64 = 64 << 10;

fn declared_bytes(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Refuses before anything is read: at once, when there is no room or no engine.
async fn admit(service: &Service, caller: &Caller) -> Result<()> {
    if !health::ready(service).await? {
        let detail = "no engine is ready: try again in a moment";
        return Err(Problem::unavailable("no_engine", detail, NOT_READY_RETRY_SECS));
    }
    match service.store.admission(caller.id, service.settings.limits()).await? {
        Admission::Open { .. } => Ok(()),
        full => Err(refusal(service, full).await),
    }
}

async fn refusal(service: &Service, admission: Admission) -> Problem {
    let load = match service.store.load().await {
        Ok(load) => load,
        Err(error) => return error.into(),
    };
    // Room for one more is made when one is done; before the first is, nobody knows how long that takes.
    let secs = load.mean_seconds.unwrap_or(10.0).ceil().clamp(1.0, 600.0) as u64;
    let limits = service.settings.limits();
    match admission {
        Admission::UserFull => {
            let detail = format!("{} of your tasks wait or run, the most allowed: wait for one", limits.tasks_per_user);
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_tasks", detail)
                .retry_after(secs)
                .header("x-ratelimit-limit", limits.tasks_per_user)
                .header("x-ratelimit-remaining", 0)
                .header("x-ratelimit-reset", secs)
        }
        _ => Problem::unavailable("queue_full", format!("the queue is full: try again in {secs} seconds"), secs),
    }
}

/// Reads on for a moment: a connection closed in the midst of an upload shows its sender no answer.
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

async fn read(service: &Service, request: Request, id: TaskId) -> Result<Form> {
    let limit = service.settings.max_upload_bytes() + FORM_BYTES as usize;
    let (parts, body) = request.into_parts();
    let limited = axum::body::Body::new(http_body_util::Limited::new(body, limit));
    let mut request = Request::from_parts(parts, limited);
    axum::extract::DefaultBodyLimit::disable().apply(&mut request);
    let invalid = |_| Problem::bad("invalid_form", "send the photo as multipart/form-data, in a part named file");
    let form = Multipart::from_request(request, &()).await.map_err(invalid)?;
    upload::read(form, id, &service.blobs, &service.settings.args.work.bounds.bounds().input).await
}

/// The task's id; the picture, if the caller waits for it and it is done in time.
async fn answer(service: &Arc<Service>, id: TaskId, job: Job, headers: &HeaderMap) -> Result<Response> {
    if let Some(wait) = asked_wait(headers)
        && finished(service, id, wait).await?
    {
        let mut response = result::picture(service, id, headers).await?;
        response.headers_mut().insert("preference-applied", HeaderValue::from_static("wait"));
        return Ok(response);
    }
    let message = match job {
        Job::Combo => "Background removal + enhancement combo task submitted successfully",
        Job::Cutout => "Background removal task submitted successfully",
        Job::Enhance => "Enhancement task submitted successfully",
    };
    let location = [(header::LOCATION, format!("/api/v1/upscale/status/{id}"))];
    Ok((location, Json(Accepted { task_id: id, message })).into_response())
}

/// The N of `Prefer: wait=N`.
fn asked_wait(headers: &HeaderMap) -> Option<Duration> {
    let asked = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let mut secs = asked.flat_map(|value| value.split([',', ';'])).filter_map(|part| part.trim().strip_prefix("wait="));
    Some(Duration::from_secs(secs.next()?.trim().parse::<u64>().ok()?.min(MAX_WAIT_SECS)))
}

/// Waits until the task is over; false if that takes longer than `wait`.
async fn finished(service: &Service, id: TaskId, wait: Duration) -> Result<bool> {
    let until = tokio::time::Instant::now() + wait;
    let mut changes = service.changes.subscribe();
    loop {
        if service.store.task(id).await?.is_none_or(|task| !task.status.active()) {
            return Ok(true);
        }
        if tokio::time::timeout_at(until, changes.changed()).await.is_err() {
            return Ok(false);
        }
    }
}
