//! Photos in: a form becomes a task.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cameo_tasks::{Admission, NewTask, Submitted, TaskId, now};
use http_body_util::BodyExt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::caller::Caller;
use super::problem::{OfPhoto, Problem, Result};
use super::upload::{self, Form, Guard};
use super::{Service, configs, health, result};
use crate::pipeline::{Job, Recipe};

/// A worker answers by then, or is taken for gone.
const NOT_READY_RETRY_SECS: u64 = 5;
/// Longest that a caller may ask to wait, in seconds.
const MAX_WAIT_SECS: u64 = 120;
/// What is read of an upload that is refused, so that its sender comes to read the answer, and for how long.
const DRAIN_BYTES: usize = 64 << 20;
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// Parameters of a task, in the query or as fields of the form.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by name, from the query and from the form alike")]
pub struct Params {
    /// How strongly to enhance: `light` (1.5x), `medium` (2x) or `strong` (3x)
    #[param(schema_with = level_schema)]
    enhance_level: Option<String>,
    /// Enlarge by this factor instead of the level's
    #[param(minimum = 1, maximum = 4)]
    scale: Option<f64>,
    /// A stored set of cut-out options; without it, `default`
    config_id: Option<String>,
}

fn level_schema() -> utoipa::openapi::schema::Object {
    use utoipa::openapi::schema::{ObjectBuilder, Type};
    let levels = crate::pipeline::Level::ALL.map(|level| level.name());
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(levels)).default(Some("medium".into())).build()
}

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
    let query = asked(&request)?;
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
    let recipe = recipe(&service, &caller, job, &wishes).await?;
    let bounds = service.settings.args.work.bounds.bounds();
    recipe.enhancement(form.header.width, form.header.height, bounds.output.0)?;
    let task = NewTask {
        id,
        owner: caller.id,
        kind: job.name().into(),
        recipe: serde_json::to_string(&recipe).map_err(Problem::internal)?,
        pixels: form.header.width as u64 * form.header.height as u64,
        idempotency: idempotency(&headers, job, &form.sha256, &wishes)?,
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

/// The query's parameters; each is there once at most.
fn asked(request: &Request) -> Result<HashMap<String, String>> {
    let twice = |name: &str| Problem::bad("invalid_parameter", format!("{name} is there twice: send it once"));
    let malformed = |_| Problem::bad("invalid_parameter", "the query is malformed");
    let pairs: Vec<(String, String)> =
        serde_urlencoded::from_str(request.uri().query().unwrap_or_default()).map_err(malformed)?;
    let mut asked = HashMap::new();
    for (name, value) in pairs {
        if PARAMETERS.contains(&name.as_str()) && asked.insert(name.clone(), value).is_some() {
            return Err(twice(&name));
        }
    }
    Ok(asked)
}

/// The names of [`Params`].
const PARAMETERS: [&str; 3] = ["enhance_level", "scale", "config_id"];

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

/// The recipe that the wishes ask for; what nobody knows is ignored.
async fn recipe(service: &Service, caller: &Caller, job: Job, wishes: &HashMap<String, String>) -> Result<Recipe> {
    let invalid = |error: String| Problem::bad("invalid_parameter", error);
    let mut recipe = Recipe::new(job);
    if let Some(level) = wishes.get("enhance_level") {
        recipe.level = level.parse().map_err(|error: String| invalid(format!("enhance_level: {error}")))?;
    }
    if let Some(scale) = wishes.get("scale") {
        recipe.scale = Some(scale.parse().map_err(|_| invalid(format!("scale: {scale:?} is no number")))?);
    }
    if let Some(id) = wishes.get("config_id") {
        recipe.cutout = configs::options(service, caller, id).await?;
    }
    Ok(recipe)
}

/// The caller's key, and a hash of all that decides the task.
fn idempotency(
    headers: &HeaderMap,
    job: Job,
    sha256: &str,
    wishes: &HashMap<String, String>,
) -> Result<Option<(String, String)>> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    let key = key.to_str().ok().filter(|key| (1..=200).contains(&key.len()));
    let key =
        key.ok_or_else(|| Problem::bad("invalid_parameter", "an Idempotency-Key has 1 to 200 visible letters"))?;
    let named = PARAMETERS.map(|name| (name, wishes.get(name)));
    let body = Sha256::digest(format!("{} {sha256} {named:?}", job.name()));
    Ok(Some((key.into(), body.iter().map(|byte| format!("{byte:02x}")).collect())))
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

/// A task that is the caller's own.
///
/// # Errors
/// 404 if there is none, 403 if it is someone else's.
pub async fn own(service: &Service, caller: &Caller, id: &str) -> Result<cameo_tasks::Task> {
    let unknown = || Problem::not_found("task_not_found", "there is no such task, or it was forgotten after its time");
    let id = Uuid::try_parse(id).map_err(|_| unknown())?;
    let task = service.store.task(id).await?.ok_or_else(unknown)?;
    if task.owner != caller.id {
        return Err(Problem::new(StatusCode::FORBIDDEN, "not_your_task", "this task belongs to someone else"));
    }
    Ok(task)
}
