//! Extractors whose rejections are problems (`application/problem+json`) like all other errors.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::problem::Problem;
use super::state::AppState;
use super::upload;

/// The body of a request that uploads no photo.
pub struct RawBody(pub Bytes);

impl FromRequest<Arc<AppState>> for RawBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &Arc<AppState>) -> Result<Self, Problem> {
        let problem = |error: BytesRejection| match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "the body is too large for this call")
            }
            _ => Problem::bad_request("invalid_body", "the body was cut short: send it again"),
        };
        let body = tokio::time::timeout(state.settings.header_timeout, Bytes::from_request(request, state)).await;
        let too_slow = |_| upload::stalled("the body took too long: send it again over a faster connection");
        body.map_err(too_slow)?.map(Self).map_err(problem)
    }
}

/// The parameters of the query.
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // The parser's own message could quote a password.
        let detail = "a parameter of the query is malformed or given more than once: correct it";
        let problem = |_| Problem::bad_request("invalid_parameter", detail);
        let query = axum::extract::Query::from_request_parts(parts, state).await.map_err(problem)?;
        Ok(Self(query.0))
    }
}

/// The id at the end of the path, not yet parsed.
pub struct PathId(pub String);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let problem = |_| Problem::not_found("no_such_path", "the path is not valid UTF-8: correct it");
        let Path(id) = Path::from_request_parts(parts, state).await.map_err(problem)?;
        Ok(Self(id))
    }
}
