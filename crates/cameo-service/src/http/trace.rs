//! The layer around all handlers: a request's id, log line, metrics and security headers.
//!
//! The log names the route, never the URL: tokens and passwords can be in its query.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use tower_http::timeout::TimeoutBody;
use tracing::{Instrument, Span};
use uuid::Uuid;

use super::state::AppState;

tokio::task_local! {
    static REQUEST_ID: String;
}

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Routes that monitoring calls all the time: they are logged at the debug level.
const MONITORING_ROUTES: [&str; 3] = ["/livez", "/readyz", "/metrics"];

/// The status that is logged for a request whose client disconnects before the answer, as nginx does.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// Returns the id of the request that is being answered.
pub fn request_id() -> String {
    REQUEST_ID.try_with(Clone::clone).unwrap_or_default()
}

pub async fn layer(State(state): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    let since = Instant::now();
    let id = client_request_id(request.headers()).unwrap_or_else(|| Uuid::new_v4().to_string());
    let context = TraceContext::continued(request.headers());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_string();
    let request = request.map(|body| Body::new(TimeoutBody::new(state.settings.body_timeout, body)));
    let span = tracing::info_span!("request", %id, trace = %context.trace_id, %method, path = route);
    let mut answer = Answer { state: &state, method, route, since, span: span.clone(), status: CLIENT_CLOSED_REQUEST };
    let response = REQUEST_ID.scope(id.clone(), next.run(request)).instrument(span);
    let mut response = response.await;
    answer.status = response.status().as_u16();
    drop(answer);
    let headers = response.headers_mut();
    for (name, value) in [(X_REQUEST_ID, id), (TRACEPARENT, context.traceparent())] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    set_security_headers(headers, state.settings.tls.is_some());
    response
}

/// The answer to a request. It is logged and counted when it is dropped, so also when the client disconnects and the
/// request is dropped.
struct Answer<'a> {
    state: &'a AppState,
    method: Method,
    route: String,
    since: Instant,
    span: Span,
    status: u16,
}

impl Drop for Answer<'_> {
    fn drop(&mut self) {
        let Self { status, ref route, .. } = *self;
        let elapsed = self.since.elapsed();
        self.state.metrics.count_request(self.method.as_str(), route, status, elapsed);
        let ms = (elapsed.as_secs_f64() * 1e5).round() / 1e2;
        self.span.in_scope(|| match MONITORING_ROUTES.contains(&route.as_str()) {
            true => tracing::debug!(status, ms, "answered"),
            false if status == CLIENT_CLOSED_REQUEST => tracing::info!(status, ms, "the client disconnected"),
            false => tracing::info!(status, ms, "answered"),
        });
    }
}

/// Returns the request id that the client chose, if it is safe to log.
fn client_request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(X_REQUEST_ID)?.to_str().ok()?;
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    ((1..=64).contains(&id.len()) && id.bytes().all(is_safe)).then(|| id.to_string())
}

/// A position in a distributed trace, as the W3C recommendation Trace Context defines it.
struct TraceContext {
    /// 32 hexadecimal digits.
    trace_id: String,
    /// Our own span: 16 hexadecimal digits.
    span_id: String,
    flags: String,
}

impl TraceContext {
    /// Continues the client's trace with a span of our own, or begins a new trace.
    fn continued(headers: &HeaderMap) -> Self {
        let random = || Uuid::new_v4().simple().to_string();
        let span_id = random()[..16].to_string();
        let parent = headers.get(TRACEPARENT).and_then(|value| parse_traceparent(value.to_str().ok()?));
        let (trace_id, flags) = parent.unwrap_or_else(|| (random(), "00".into()));
        Self { trace_id, span_id, flags }
    }

    fn traceparent(&self) -> String {
        format!("00-{}-{}-{}", self.trace_id, self.span_id, self.flags)
    }
}

/// Returns the trace id and the flags of a valid `traceparent` header.
fn parse_traceparent(value: &str) -> Option<(String, String)> {
    let parts: Vec<&str> = value.split('-').collect();
    let [version, trace_id, span_id, flags, ..] = parts[..] else { return None };
    let is_hex =
        |text: &str, length| text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let is_zero = |text: &str| text.bytes().all(|byte| byte == b'0');
    // Version 00 has exactly four parts; later versions may have more. Version ff is invalid.
    let version_ok = is_hex(version, 2) && version != "ff" && (version != "00" || parts.len() == 4);
    let ids_ok = is_hex(trace_id, 32) && is_hex(span_id, 16) && !is_zero(trace_id) && !is_zero(span_id);
    (version_ok && ids_ok && is_hex(flags, 2)).then(|| (trace_id.into(), flags.into()))
}

/// Adds headers that keep browsers from guessing content types, from framing and from sending referrers.
fn set_security_headers(headers: &mut HeaderMap, tls: bool) {
    let mut set_default = |name: HeaderName, value| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set_default(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set_default(header::X_FRAME_OPTIONS, "DENY");
    set_default(header::REFERRER_POLICY, "no-referrer");
    set_default(header::CACHE_CONTROL, "no-store");
    set_default(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    set_default(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    if tls {
        set_default(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn an_id_that_could_break_a_log_is_replaced() {
        assert_eq!(client_request_id(&headers(X_REQUEST_ID, "a-1_b.2")), Some("a-1_b.2".into()));
        for unsafe_id in ["", "a b", "a\tb", "a\"b", &"x".repeat(65)] {
            assert_eq!(client_request_id(&headers(X_REQUEST_ID, unsafe_id)), None, "{unsafe_id}");
        }
    }

    #[test]
    fn a_clients_trace_is_continued_with_another_span() {
        let parent = format!("00-{TRACE_ID}-00f067aa0ba902b7-01");
        let own = TraceContext::continued(&headers(TRACEPARENT, &parent)).traceparent();
        assert!(own.starts_with(&format!("00-{TRACE_ID}-")) && own.ends_with("-01"));
        assert!(!own.contains("00f067aa0ba902b7"), "the span is our own");
    }

    #[test]
    fn an_invalid_trace_is_replaced_by_a_new_one() {
        let zeros = "0".repeat(32);
        for invalid in [
            "garbage".to_string(),
            format!("ff-{TRACE_ID}-00f067aa0ba902b7-01"),
            format!("00-{zeros}-00f067aa0ba902b7-01"),
            format!("00-{TRACE_ID}-0000000000000000-01"),
            format!("00-{}-00f067aa0ba902b7-01", TRACE_ID.to_uppercase()),
            format!("00-{TRACE_ID}-00f067aa0ba902b7-01-more"),
        ] {
            let TraceContext { trace_id, .. } = TraceContext::continued(&headers(TRACEPARENT, &invalid));
            assert!(trace_id != TRACE_ID && trace_id != zeros && trace_id.len() == 32, "{invalid}");
        }
    }
}
