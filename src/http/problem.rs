//! One table from what went wrong to what the caller is told. The operator's words go to the log, not here.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::openapi::{self, ContentBuilder, Ref, RefOr, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use super::trace;
use crate::error::Error;

/// A refusal, as RFC 9457 has it: `application/problem+json` with a stable `code`.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    retry_after_secs: Option<u64>,
    headers: Vec<(&'static str, u64)>,
}

/// The body of every error.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Body {
    /// `urn:cameo:problem:` and the code.
    #[schema(example = "urn:cameo:problem:task_not_found")]
    r#type: String,
    /// The status in words.
    title: &'static str,
    status: u16,
    /// One sentence that says what to do.
    detail: String,
    /// Stable: programs may rely on it.
    #[schema(example = "task_not_found")]
    code: &'static str,
    /// To be named when asking the operator.
    request_id: String,
}

pub type Result<T> = std::result::Result<T, Problem>;

impl Problem {
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), retry_after_secs: None, headers: Vec::new() }
    }

    pub fn bad(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    pub fn not_found(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    pub fn unavailable(code: &'static str, detail: impl Into<String>, retry_after_secs: u64) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(retry_after_secs)
    }

    /// What a caller cannot mend: the reason is for the log alone.
    pub fn internal(reason: impl std::fmt::Display) -> Self {
        tracing::error!(%reason, "internal error");
        let detail = "the server failed: try again, and if it persists name this request_id to its operator";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", detail)
    }

    pub fn retry_after(mut self, secs: u64) -> Self {
        self.retry_after_secs = Some(secs);
        self
    }

    pub fn header(mut self, name: &'static str, value: u64) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::Empty => Self::bad("empty_file", detail),
            Error::UnknownFormat(_) => {
                Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_image_format", detail)
            }
            Error::TooLarge(_) => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "image_too_large", detail),
            Error::Undecodable(_) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "undecodable_image", detail),
            Error::BadRecipe(_) => Self::bad("invalid_parameter", detail),
            Error::Models(_) | Error::NoDevice(_) | Error::Engine { .. } | Error::File { .. } | Error::Stopped => {
                Self::internal(detail)
            }
        }
    }
}

impl From<cameo_tasks::Error> for Problem {
    fn from(error: cameo_tasks::Error) -> Self {
        Self::internal(error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Body {
            r#type: format!("urn:cameo:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: self.detail,
            code: self.code,
            request_id: trace::request_id(),
        };
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(secs) = self.retry_after_secs {
            headers.insert(header::RETRY_AFTER, secs.into());
        }
        for (name, value) in self.headers {
            headers.insert(name, value.into());
        }
        response
    }
}

/// Refusals in the API's document: status, and the codes with it.
fn documented(refusals: &[(u16, &str)]) -> BTreeMap<String, RefOr<openapi::Response>> {
    let always = [(401, "`invalid_token`"), (500, "`internal_error`")];
    let answer = |&(status, codes): &(u16, &str)| {
        let body = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let response = ResponseBuilder::new().description(codes).content("application/problem+json", body).build();
        (status.to_string(), RefOr::T(response))
    };
    always.iter().chain(refusals).map(answer).collect()
}

/// Refusals of every call that needs a token.
pub struct Common;

impl IntoResponses for Common {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        documented(&[])
    }
}

/// Refusals of a call for a list.
pub struct OfList;

impl IntoResponses for OfList {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        documented(&[(400, "`invalid_parameter`")])
    }
}

/// Refusals of a call on a task.
pub struct OfTask;

impl IntoResponses for OfTask {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        documented(&[(403, "`not_your_task`"), (404, "`task_not_found`")])
    }
}

/// Refusals of a call for a result.
pub struct OfResult;

impl IntoResponses for OfResult {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let none = "`task_not_found`, `result_not_ready`, `task_failed`, `task_cancelled`, `result_expired`";
        documented(&[(403, "`not_your_task`"), (404, none), (416, "`range_not_satisfiable`")])
    }
}

/// Refusals of a call that stores a config.
pub struct OfConfig;

impl IntoResponses for OfConfig {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        documented(&[
            (400, "`invalid_body`, `invalid_parameter`, `too_many_configs`"),
            (403, "`config_is_read_only`"),
            (404, "`config_not_found`"),
            (413, "`body_too_large`"),
        ])
    }
}

/// Refusals of a photo.
pub struct OfPhoto;

impl IntoResponses for OfPhoto {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let form = "`missing_file`, `several_files`, `too_many_fields`, `field_too_long`, `invalid_form`, `empty_file`";
        documented(&[
            (400, &format!("`invalid_parameter`, `unknown_config`, {form}")),
            // With `Prefer: wait`, of the result.
            (404, "`task_failed`, `task_cancelled`: with `Prefer: wait`"),
            (408, "`upload_stalled`"),
            (413, "`body_too_large`, `image_too_large`"),
            (415, "`unsupported_image_format`"),
            (422, "`undecodable_image`, `idempotency_key_reused`"),
            (429, "`too_many_tasks`; see `X-RateLimit-Limit`, and wait `Retry-After` seconds"),
            (503, "`queue_full`, `no_engine`; wait `Retry-After` seconds"),
        ])
    }
}
