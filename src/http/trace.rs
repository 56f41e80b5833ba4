//! Each request's id, log line, counters and security headers.
//!
//! What is logged is the route, never the address that was asked for: tokens and passwords can be in it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use tower_http::timeout::TimeoutBody;
use tracing::Instrument;
use uuid::Uuid;

use super::Service;

tokio::task_local! {
    static REQUEST_ID: String;
}

const ID: HeaderName = HeaderName::from_static("x-request-id");
const PARENT: HeaderName = HeaderName::from_static("traceparent");

/// Of the request that is being answered.
pub fn request_id() -> String {
    REQUEST_ID.try_with(Clone::clone).unwrap_or_default()
}

pub async fn layer(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let since = Instant::now();
    let id = asked_id(request.headers()).unwrap_or_else(|| Uuid::new_v4().to_string());
    let trace = Trace::continued(request.headers());
    let method = request.method().clone();
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or("other").to_string();
    let idle = Duration::from_secs(service.settings.args.body_timeout.into());
    let request = request.map(|body| Body::new(TimeoutBody::new(idle, body)));
    let span = tracing::info_span!("request", %id, trace = %trace.id, %method, path);
    let answer = REQUEST_ID.scope(id.clone(), next.run(request)).instrument(span.clone());
    let mut response = answer.await;

    let (status, elapsed) = (response.status().as_u16(), since.elapsed());
    let ms = (elapsed.as_secs_f64() * 1e5).round() / 1e2;
    span.in_scope(|| match path.as_str() {
        // Asked for again and again by machines.
        "/livez" | "/readyz" | "/metrics" => tracing::debug!(status, ms, "answered"),
        _ => tracing::info!(status, ms, "answered"),
    });
    service.metrics.count(method.as_str(), &path, status, elapsed);
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(ID, id);
    }
    if let Ok(parent) = HeaderValue::from_str(&trace.parent()) {
        headers.insert(PARENT, parent);
    }
    protect(headers, service.settings.args.tls_cert.is_some());
    response
}

/// The id that the caller chose, if it is one that can be logged as it is.
fn asked_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(ID)?.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    ((1..=64).contains(&id.len()) && id.bytes().all(plain)).then(|| id.to_string())
}

/// A trace after the W3C's recommendation.
struct Trace {
    id: String,
    span: String,
    flags: String,
}

impl Trace {
    /// The caller's trace with a span of ours, or a new one.
    fn continued(headers: &HeaderMap) -> Self {
        let random = || Uuid::new_v4().simple().to_string();
        let span = random()[..16].to_string();
        let parent = headers.get(PARENT).and_then(|parent| parent.to_str().ok()).and_then(|parent| {
            let parts: Vec<&str> = parent.split('-').collect();
            let [version, id, caller, flags, ..] = parts[..] else { return None };
            let hex = |text: &str, length| {
                text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            };
            let zero = |text: &str| text.bytes().all(|byte| byte == b'0');
            // Version 00 has four parts; a later one may have more, and ff is none.
            let shape = hex(version, 2) && version != "ff" && (version != "00" || parts.len() == 4);
            let valid = shape && hex(id, 32) && hex(caller, 16) && hex(flags, 2) && !zero(id) && !zero(caller);
            valid.then(|| (id.to_string(), flags.to_string()))
        });
        let (id, flags) = parent.unwrap_or_else(|| (random(), "00".into()));
        Self { id, span, flags }
    }

    fn parent(&self) -> String {
        format!("00-{}-{}-{}", self.id, self.span, self.flags)
    }
}

/// Headers that keep browsers from guessing, framing and telling others.
fn protect(headers: &mut HeaderMap, tls: bool) {
    let mut set = |name: HeaderName, value| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::CACHE_CONTROL, "no-store");
    set(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    if tls {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn an_id_that_would_break_a_log_is_not_taken() {
        assert_eq!(asked_id(&headers(ID, "a-1_b.2")), Some("a-1_b.2".into()));
        for wrong in ["", "a b", "a\tb", "a\"b", &"x".repeat(65)] {
            assert_eq!(asked_id(&headers(ID, wrong)), None, "{wrong}");
        }
    }

    #[test]
    fn a_callers_trace_goes_on() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        let trace = Trace::continued(&headers(PARENT, &format!("00-{id}-00f067aa0ba902b7-01")));
        assert!(trace.parent().starts_with(&format!("00-{id}-")) && trace.parent().ends_with("-01"));
        assert!(!trace.parent().contains("00f067aa0ba902b7"), "the span is ours");
    }

    #[test]
    fn a_trace_that_is_none_is_begun_anew() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        let zeros = "0".repeat(32);
        for wrong in [
            "garbage".to_string(),
            format!("ff-{id}-00f067aa0ba902b7-01"),
            format!("00-{zeros}-00f067aa0ba902b7-01"),
            format!("00-{id}-0000000000000000-01"),
            format!("00-{}-00f067aa0ba902b7-01", id.to_uppercase()),
            format!("00-{id}-00f067aa0ba902b7-01-more"),
        ] {
            let trace = Trace::continued(&headers(PARENT, &wrong));
            assert!(trace.id != id && trace.id != zeros && trace.id.len() == 32, "{wrong}");
        }
    }
}
