//! For operators and their monitoring: liveness, readiness and metrics.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::{Problem, ProblemBody, Result};
use super::state::AppState;

/// A worker starts within this time, or is replaced.
const NO_ENGINE_RETRY_SECS: u64 = 5;

#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    #[schema(example = "ok")]
    status: &'static str,
}

/// Liveness
///
/// The server runs and answers.
#[utoipa::path(get, path = "/livez", tag = "operations", security(()), responses((status = 200, body = Health)))]
pub async fn livez() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Readiness
///
/// The server takes photos: at least one worker has passed its self-test and is alive.
#[utoipa::path(
    get, path = "/readyz", tag = "operations", security(()),
    responses(
        (status = 200, description = "Ready", body = Health),
        (status = 503, description = "`no_engine`, `store_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn readyz(State(state): State<Arc<AppState>>) -> Result<Json<Health>> {
    require_ready_worker(&state).await?;
    Ok(Json(Health { status: "ready" }))
}

/// Checks that what is accepted now will be processed.
pub async fn require_ready_worker(state: &AppState) -> Result<()> {
    state.store.check().await?;
    match state.ready_workers().await? {
        0 => Err(no_engine()),
        _ => Ok(()),
    }
}

/// The answer while no worker is ready.
fn no_engine() -> Problem {
    let detail = "no engine is ready, its worker is starting or has failed: try again in a moment";
    Problem::unavailable("no_engine", detail, NO_ENGINE_RETRY_SECS)
}

/// Metrics for Prometheus
#[utoipa::path(
    get, path = "/metrics", tag = "operations", security(()),
    responses((
        status = 200, description = "In the OpenMetrics text format", body = String,
        content_type = "application/openmetrics-text",
    ))
)]
pub async fn metrics(State(state): State<Arc<AppState>>) -> Result<Response> {
    let load = state.load_cache.load().await?;
    let stages = state.store.stage_totals().await?;
    let ready = state.ready_workers().await?;
    let text = state.metrics.encode(&load, &stages, ready).map_err(Problem::internal)?;
    Ok(([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response())
}
