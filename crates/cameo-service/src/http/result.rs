//! Fetching results: as PNG or WebP, whole or in part, or not again if the client has it.

use std::ops::Range;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cameo_core::codec::Format;
use cameo_store::{Task, TaskResult, TaskStatus};
use headers::{ContentLength, ContentRange, ETag, HeaderMapExt, IfNoneMatch, IfRange};

use super::caller::{Caller, find_owned_task};
use super::extract::PathId;
use super::problem::{Problem, Result};
use super::responses::ResultErrors;
use super::state::AppState;
use super::webp;

/// Fetch a result
///
/// A PNG, or a WebP if `Accept` prefers it. `Range` asks for a part of it. With `If-None-Match`, the answer is 304 if
/// the client has it already.
#[utoipa::path(
    get, path = "/api/v1/upscale/result/{task_id}", tag = "tasks",
    params(("task_id" = String, Path, description = "The id that the submission returned")),
    responses(
        (status = 200, description = "The result", content((Vec<u8> = "image/png"), (Vec<u8> = "image/webp"))),
        (status = 206, description = "A part of it", content((Vec<u8> = "image/png"), (Vec<u8> = "image/webp"))),
        (status = 304, description = "The client has the result already"),
        ResultErrors,
    )
)]
pub async fn result(
    State(state): State<Arc<AppState>>,
    caller: Caller,
    PathId(id): PathId,
    headers: HeaderMap,
) -> Result<Response> {
    let task = find_owned_task(&state, &caller, &id).await?;
    result_of(&state, &task, &headers).await
}

/// One of the forms in which a result can be sent.
struct Representation {
    blob_key: String,
    bytes: u64,
    /// Strong: it differs for the same pixels in another format.
    etag: ETag,
    media_type: &'static str,
    extension: &'static str,
}

/// Answers with the result of a task that is over.
///
/// # Errors
/// 404 if the task has no result, 416 if the requested range lies outside of it.
pub async fn result_of(state: &AppState, task: &Task, headers: &HeaderMap) -> Result<Response> {
    let result = completed(task)?;
    let representation = choose_representation(state, result, headers).await?;
    let Representation { etag, media_type, extension, .. } = &representation;
    let known = headers.typed_get::<IfNoneMatch>().is_some_and(|condition| !condition.precondition_passes(etag));
    let mut response = match known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => send(state, &representation, requested_range(headers, etag, representation.bytes)?).await?,
    };
    let text = |text: String| HeaderValue::from_str(&text).map_err(Problem::internal);
    let set = response.headers_mut();
    set.typed_insert(etag.clone());
    set.insert(header::VARY, HeaderValue::from_static("accept"));
    set.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if known {
        return Ok(response);
    }
    set.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    set.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let file_name = format!("attachment; filename=\"cameo-{}.{extension}\"", task.id);
    set.insert(header::CONTENT_DISPOSITION, text(file_name)?);
    set.insert("server-timing", text(server_timing(result))?);
    for (name, value) in cutout_headers(result) {
        set.insert(name, text(value)?);
    }
    Ok(response)
}

fn expired() -> Problem {
    Problem::not_found("result_expired", "the result has expired: submit the photo again")
}

/// Returns the result of a completed task.
fn completed(task: &Task) -> Result<&TaskResult> {
    let (code, detail) = match (task.status, &task.result) {
        (TaskStatus::Completed, Some(result)) if !task.expired => return Ok(result),
        (TaskStatus::Completed, _) => return Err(expired()),
        (TaskStatus::Failed, _) => {
            let reason = task.failure.as_ref().map_or("the reason is unknown", |failure| &failure.reason);
            ("task_failed", format!("the task has failed: {reason}"))
        }
        (TaskStatus::Cancelled, _) => ("task_cancelled", "the task was cancelled: submit the photo again".into()),
        (TaskStatus::Pending | TaskStatus::Processing, _) => {
            ("result_not_ready", format!("the task is {}: ask for its status until it is completed", task.status))
        }
    };
    Err(Problem::not_found(code, detail))
}

async fn choose_representation(state: &AppState, result: &TaskResult, headers: &HeaderMap) -> Result<Representation> {
    let etag = |suffix| format!("\"{}{suffix}\"", result.sha256).parse::<ETag>().map_err(Problem::internal);
    let fits_webp = result.width.max(result.height) <= Format::WebP.max_side();
    if fits_webp && prefers_webp(headers) {
        return Ok(Representation {
            blob_key: webp::key(&result.blob_key),
            bytes: webp::ensure(state, result).await?,
            etag: etag("-webp")?,
            media_type: "image/webp",
            extension: "webp",
        });
    }
    Ok(Representation {
        blob_key: result.blob_key.clone(),
        bytes: result.bytes,
        etag: etag("")?,
        media_type: "image/png",
        extension: "png",
    })
}

/// Sends a representation, or the part of it in `range`.
async fn send(state: &AppState, representation: &Representation, range: Option<Range<u64>>) -> Result<Response> {
    let Representation { blob_key, bytes, .. } = representation;
    // The task says that it has a result: a file that is missing or cut short is the server's fault.
    let missing = || Problem::internal(format!("the result {blob_key} is missing or was cut short"));
    let blob =
        state.blobs.get(blob_key, range.clone()).await?.filter(|blob| blob.size == *bytes).ok_or_else(missing)?;
    let length = range.as_ref().map_or(*bytes, |range| range.end - range.start);
    state.metrics.sent_bytes.inc_by(length);
    let mut response = Body::from_stream(blob.stream).into_response();
    response.headers_mut().typed_insert(ContentLength(length));
    if let Some(range) = range {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let content_range = ContentRange::bytes(range, *bytes).map_err(Problem::internal)?;
        response.headers_mut().typed_insert(content_range);
    }
    Ok(response)
}

/// Returns the range that the client asks for. `None` stands for everything: if it asks for no range, for several, or
/// for a range of another representation (`If-Range`, which compares strongly: RFC 9110, section 13.1.5).
fn requested_range(headers: &HeaderMap, etag: &ETag, bytes: u64) -> Result<Option<Range<u64>>> {
    let range = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let Some(Ok(range)) = range.map(http_range_header::parse_range_header) else { return Ok(None) };
    match headers.typed_try_get::<IfRange>() {
        Ok(None) => {}
        Ok(Some(condition)) if !condition.is_modified(Some(etag), None) => {}
        Ok(Some(_)) | Err(_) => return Ok(None),
    }
    let Ok(ranges) = range.validate(bytes) else {
        let detail = format!("the result has {bytes} bytes: ask for a range within them");
        return Err(Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "range_not_satisfiable", detail));
    };
    match &ranges[..] {
        [range] => Ok(Some(*range.start()..*range.end() + 1)),
        _ => Ok(None),
    }
}

/// Returns whether `Accept` names WebP, and does not name PNG or gives it a lower weight. Wildcards do not count: a
/// client that accepts anything gets PNG.
fn prefers_webp(headers: &HeaderMap) -> bool {
    let accept = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let weights: Vec<(String, f32)> = accept
        .flat_map(|list| list.split(','))
        .map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
            let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok());
            (media_type, weight.unwrap_or(1.0))
        })
        .collect();
    let weight =
        |media_type: &str| weights.iter().find(|(named, _)| named == media_type).map_or(0.0, |(_, weight)| *weight);
    weight("image/webp") > weight("image/png")
}

/// The times of the stages, as browsers show them.
fn server_timing(result: &TaskResult) -> String {
    let stages = result.stages.iter().map(|(stage, ms)| format!("{stage};dur={ms:.1}"));
    stages.collect::<Vec<_>>().join(", ")
}

/// How far the matte can be trusted, and the subject's bounding box.
fn cutout_headers(result: &TaskResult) -> impl Iterator<Item = (&'static str, String)> {
    const BOX: [&str; 4] = ["x-foreground-left", "x-foreground-top", "x-foreground-width", "x-foreground-height"];
    let uncertainty = result.matte_uncertainty.map(|value| ("x-matte-uncertainty", value.to_string()));
    let foreground = result.foreground.into_iter().flat_map(|pixels| BOX.into_iter().zip(pixels));
    uncertainty.into_iter().chain(foreground.map(|(name, pixels)| (name, pixels.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn webp_is_for_clients_that_name_it_before_png() {
        for (accept, webp) in [
            ("*/*", false),
            ("image/*", false),
            ("image/webp", true),
            ("image/png, image/webp", false),
            ("image/webp, image/png;q=0.5", true),
            ("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", true),
            ("image/webp;q=0", false),
        ] {
            assert_eq!(prefers_webp(&headers(&[(header::ACCEPT, accept)])), webp, "{accept}");
        }
        assert!(!prefers_webp(&HeaderMap::new()));
    }

    #[test]
    fn a_range_lies_within_the_result_or_is_refused() {
        let etag = "\"tag\"".parse().unwrap();
        for (range, expected) in [
            ("bytes=0-9", Some(0..10)),
            ("bytes=90-", Some(90..100)),
            ("bytes=-10", Some(90..100)),
            ("bytes=0-1,5-6", None),
            ("lines=1-2", None),
        ] {
            let headers = headers(&[(header::RANGE, range)]);
            assert_eq!(requested_range(&headers, &etag, 100).unwrap(), expected, "{range}");
        }
        assert!(requested_range(&headers(&[(header::RANGE, "bytes=100-")]), &etag, 100).is_err());
    }

    #[test]
    fn a_conditional_range_needs_the_same_strong_tag() {
        let etag = "\"tag\"".parse().unwrap();
        for (condition, expected) in [
            ("\"tag\"", Some(0..10)),
            ("\"other\"", None),
            ("W/\"tag\"", None),
            ("*", None),
            ("\"tag\", \"other\"", None),
            ("Sat, 29 Oct 1994 19:43:31 GMT", None),
        ] {
            let headers = headers(&[(header::RANGE, "bytes=0-9"), (header::IF_RANGE, condition)]);
            assert_eq!(requested_range(&headers, &etag, 100).unwrap(), expected, "{condition}");
        }
    }
}
