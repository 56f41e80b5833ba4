//! Pictures out.

use std::ops::Range;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cameo_tasks::{Outcome, Status, Task, TaskId};

use super::Service;
use super::caller::{Caller, own};
use super::extract::Named;
use super::problem::{OfResult, Problem, Result};
use crate::codec::{self, Format, Limits};

/// Fetch a result
///
/// A PNG; WebP if `Accept` names it and not PNG. The whole or a part (`Range`), or 304 if `If-None-Match` names it.
#[utoipa::path(
    get, path = "/api/v1/upscale/result/{task_id}", tag = "tasks",
    params(("task_id" = String, Path, description = "As given when it was submitted")),
    responses(
        (status = 200, description = "The picture, alpha kept", content((Vec<u8> = "image/png"), (Vec<u8> = "image/webp"))),
        (status = 206, description = "A part of it", content((Vec<u8> = "image/png"), (Vec<u8> = "image/webp"))),
        (status = 304, description = "The picture that the caller has"),
        OfResult,
    )
)]
pub async fn result(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Named(id): Named,
    headers: HeaderMap,
) -> Result<Response> {
    let task = own(&service, &caller, &id).await?;
    picture(&service, task.id, &headers).await
}

/// The key of a result that was encoded anew as WebP.
pub fn webp(blob: &str) -> String {
    format!("{blob}.webp")
}

/// The answer with a task's picture, or why there is none.
pub async fn picture(service: &Arc<Service>, id: TaskId, headers: &HeaderMap) -> Result<Response> {
    let gone = || Problem::not_found("task_not_found", "the task was deleted");
    let task = service.store.task(id).await?.ok_or_else(gone)?;
    let outcome = outcome(&task)?;
    let expired = || Problem::not_found("result_expired", "the result has expired: submit the photo again");
    let as_webp = wants_webp(headers) && outcome.width.max(outcome.height) <= Format::WebP.max_side();
    let (key, kind, ending) = match as_webp {
        true => (in_webp(service, outcome).await?.ok_or_else(expired)?, "image/webp", "webp"),
        false => (outcome.blob.clone(), "image/png", "png"),
    };
    // The same pixels encoded otherwise are another representation: its tag differs.
    let tag = format!("\"{}{}\"", outcome.sha256, if as_webp { "-webp" } else { "" });
    let mut response = match matches(headers, header::IF_NONE_MATCH, &tag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => {
            let whole = service.blobs.get(&key, None).await?.ok_or_else(expired)?.bytes;
            let range = range(headers, &tag, whole)?;
            body(service, &key, whole, range).await?.ok_or_else(expired)?
        }
    };
    let set = response.headers_mut();
    let text = |text: String| HeaderValue::from_str(&text).map_err(Problem::internal);
    set.insert(header::ETAG, text(tag)?);
    set.insert(header::VARY, HeaderValue::from_static("accept"));
    set.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if response.status() == StatusCode::NOT_MODIFIED {
        return Ok(response);
    }
    let set = response.headers_mut();
    set.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    set.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    set.insert(header::CONTENT_DISPOSITION, text(format!("attachment; filename=\"cameo-{id}.{ending}\""))?);
    set.insert("server-timing", text(timing(outcome))?);
    for (name, value) in certainty(outcome) {
        set.insert(name, text(value)?);
    }
    Ok(response)
}

/// What a completed task gave.
fn outcome(task: &Task) -> Result<&Outcome> {
    let (code, detail) = match (task.status, &task.outcome) {
        (Status::Completed, Some(outcome)) if !task.expired => return Ok(outcome),
        (Status::Completed, _) => ("result_expired", "the result has expired: submit the photo again".to_string()),
        (Status::Failed, _) => {
            let reason = task.failure.as_ref().map_or("no reason is known", |failure| failure.reason.as_str());
            ("task_failed", format!("the task has failed: {reason}"))
        }
        (Status::Cancelled, _) => ("task_cancelled", "the task was cancelled".to_string()),
        _ => (
            "result_not_ready",
            format!("the task is {}: ask for its status until it is completed", task.status.name()),
        ),
    };
    Err(Problem::not_found(code, detail))
}

/// The whole, or the part that was asked for.
async fn body(service: &Service, key: &str, whole: u64, range: Option<Range<u64>>) -> Result<Option<Response>> {
    let Some(blob) = service.blobs.get(key, range.clone()).await? else { return Ok(None) };
    let length = range.as_ref().map_or(whole, |range| range.end - range.start);
    service.metrics.sent.inc_by(length);
    let mut response = Body::from_stream(blob.stream).into_response();
    response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    if let Some(range) = range {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let part = format!("bytes {}-{}/{whole}", range.start, range.end - 1);
        let part = HeaderValue::from_str(&part).map_err(Problem::internal)?;
        response.headers_mut().insert(header::CONTENT_RANGE, part);
    }
    Ok(Some(response))
}

/// The part that was asked for; all, if none was, several were, or it was asked for of another picture.
fn range(headers: &HeaderMap, tag: &str, whole: u64) -> Result<Option<Range<u64>>> {
    let asked = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let Some(Ok(parsed)) = asked.map(http_range_header::parse_range_header) else { return Ok(None) };
    if headers.contains_key(header::IF_RANGE) && !matches(headers, header::IF_RANGE, tag) {
        return Ok(None);
    }
    let Ok(ranges) = parsed.validate(whole) else {
        let detail = format!("the result has {whole} bytes: ask for a range within them");
        return Err(Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "range_not_satisfiable", detail));
    };
    match &ranges[..] {
        [range] => Ok(Some(*range.start()..*range.end() + 1)),
        _ => Ok(None),
    }
}

/// Whether the header names this tag, weak or strong.
fn matches(headers: &HeaderMap, name: header::HeaderName, tag: &str) -> bool {
    let named = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let mut tags = named.flat_map(|list| list.split(',')).map(|one| one.trim().trim_start_matches("W/"));
    tags.any(|one| one == tag || one == "*")
}

/// Whether `Accept` names WebP, and PNG not or less. What accepts anything gets PNG.
fn wants_webp(headers: &HeaderMap) -> bool {
    let accept = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let weights: Vec<(String, f32)> = accept
        .flat_map(|list| list.split(','))
        .map(|one| {
            let mut parts = one.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
            let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok());
            (kind, weight.unwrap_or(1.0))
        })
        .collect();
    let weight = |kind: &str| weights.iter().find(|(found, _)| found == kind).map_or(0.0, |(_, weight)| *weight);
    weight("image/webp") > weight("image/png")
}

/// The result as WebP; made when it is asked for first, and kept beside it.
async fn in_webp(service: &Service, outcome: &Outcome) -> Result<Option<String>> {
    let key = webp(&outcome.blob);
    // One at a time: who waited finds what the one before made.
    let _turn = service.webp.acquire().await.map_err(Problem::internal)?;
    if service.blobs.get(&key, None).await?.is_some() {
        return Ok(Some(key));
    }
    let Some(png) = service.blobs.bytes(&outcome.blob).await? else { return Ok(None) };
    let encode = move || {
        let limits =
            Limits { max_bytes: usize::MAX, max_pixels: u64::MAX, max_side: u32::MAX, max_decoder_bytes: u64::MAX };
        let (image, profile) = codec::decode_keeping(&png, &limits)?;
        codec::encode(&image, Format::WebP, profile.as_ref())
    };
    let bytes = tokio::task::spawn_blocking(encode).await.map_err(Problem::internal)??;
    service.blobs.put(&key, bytes.into()).await?;
    Ok(Some(key))
}

/// The stages' times, as browsers show them.
fn timing(outcome: &Outcome) -> String {
    let stages = outcome.stages.iter().map(|(stage, ms)| format!("{stage};dur={ms:.1}"));
    stages.collect::<Vec<_>>().join(", ")
}

/// How far the matte is to be trusted, and where the subject is.
fn certainty(outcome: &Outcome) -> impl Iterator<Item = (&'static str, String)> {
    const SIDES: [&str; 4] = ["x-foreground-left", "x-foreground-top", "x-foreground-width", "x-foreground-height"];
    let uncertainty = outcome.matte_uncertainty.map(|value| ("x-matte-uncertainty", value.to_string()));
    let sides = outcome.foreground.into_iter().flat_map(|sides| SIDES.into_iter().zip(sides));
    uncertainty.into_iter().chain(sides.map(|(name, side)| (name, side.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn webp_is_for_who_names_it_before_png() {
        for (accept, webp) in [
            ("*/*", false),
            ("image/*", false),
            ("image/webp", true),
            ("image/png, image/webp", false),
            ("image/webp, image/png;q=0.5", true),
            ("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", true),
            ("image/webp;q=0", false),
        ] {
            assert_eq!(wants_webp(&headers(header::ACCEPT, accept)), webp, "{accept}");
        }
        assert!(!wants_webp(&HeaderMap::new()));
    }

    #[test]
    fn a_range_is_within_the_picture_or_refused() {
        for (asked, found) in [
            ("bytes=0-9", Some(0..10)),
            ("bytes=90-", Some(90..100)),
            ("bytes=-10", Some(90..100)),
            ("bytes=0-1,5-6", None),
            ("lines=1-2", None),
        ] {
            assert_eq!(range(&headers(header::RANGE, asked), "t", 100).unwrap(), found, "{asked}");
        }
        assert!(range(&headers(header::RANGE, "bytes=100-"), "t", 100).is_err());
    }
}
