//! Maps errors to HTTP responses. Messages meant for the operator go to the log instead.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cameo_core::codec::CodecError;
use cameo_core::pipeline::{PipelineError, RecipeError};
use cameo_store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

use super::cpu_work::CpuWorkError;
use super::trace;

/// An error answer as RFC 9457 defines it: `application/problem+json`, with a stable `code`.
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
pub struct ProblemBody {
    /// `urn:cameo:problem:` and the code.
    #[schema(example = "urn:cameo:problem:task_not_found")]
    r#type: String,
    /// The status in words.
    title: &'static str,
    status: u16,
    /// One sentence that says what is wrong and what to do.
    detail: String,
    /// Stable: programs may rely on it.
    #[schema(example = "task_not_found")]
    code: &'static str,
    /// Quote this ID to the operator.
    request_id: String,
}

pub type Result<T> = std::result::Result<T, Problem>;

impl Problem {
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), retry_after_secs: None, headers: Vec::new() }
    }

    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    pub fn not_found(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    pub fn unavailable(code: &'static str, detail: impl Into<String>, retry_after_secs: u64) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(retry_after_secs)
    }

    /// A failure of the server itself. The reason is logged; the caller only learns that there was one.
    pub fn internal(reason: impl std::fmt::Display) -> Self {
        tracing::error!(%reason, "internal error");
        let detail = "the server failed: try again, and if it fails again, quote this request_id to the operator";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", detail)
    }

    /// Adds `Retry-After`.
    pub fn retry_after(mut self, secs: u64) -> Self {
        self.retry_after_secs = Some(secs);
        self
    }

    pub fn header(mut self, name: &'static str, value: u64) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl From<PipelineError> for Problem {
    fn from(error: PipelineError) -> Self {
        let status = match &error {
            PipelineError::Codec(CodecError::Empty) | PipelineError::Recipe(_) => StatusCode::BAD_REQUEST,
            PipelineError::Codec(CodecError::UnknownFormat(_) | CodecError::Unsupported(_)) => {
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            }
            PipelineError::Codec(CodecError::TooLarge(_)) => StatusCode::PAYLOAD_TOO_LARGE,
            PipelineError::Codec(CodecError::Undecodable(_)) => StatusCode::UNPROCESSABLE_ENTITY,
            PipelineError::Codec(CodecError::Io(_) | CodecError::Encode { .. })
            | PipelineError::Engine(_)
            | PipelineError::Cancelled => return Self::internal(error),
        };
        Self::new(status, error.code(), error.to_string())
    }
}

impl From<CodecError> for Problem {
    fn from(error: CodecError) -> Self {
        PipelineError::from(error).into()
    }
}

impl From<RecipeError> for Problem {
    fn from(error: RecipeError) -> Self {
        PipelineError::from(error).into()
    }
}

impl From<CpuWorkError> for Problem {
    fn from(error: CpuWorkError) -> Self {
        match error {
            CpuWorkError::Busy => Self::unavailable("server_busy", error.to_string(), 1),
            CpuWorkError::Ended(_) => Self::internal(error),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy => {
                tracing::warn!(%error, "a request was refused");
                Self::unavailable("server_busy", "the server is busy: try again", 1)
            }
            StoreError::Replaced => {
                tracing::error!(%error, "a request was refused");
                Self::unavailable("store_unavailable", "the server has lost its data: tell its operator", 60)
            }
            StoreError::Storage(_) | StoreError::NoRoom { .. } => {
                tracing::error!(%error, "a request was refused");
                Self::unavailable("store_unavailable", "the server cannot store files: tell its operator", 60)
            }
            _ => Self::internal(error),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = ProblemBody {
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
