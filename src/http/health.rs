//! Whether the server lives, and whether it can do its work.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use cameo_tasks::now;
use serde::Serialize;
use utoipa::ToSchema;

use super::Service;
use super::problem::{self, Problem, Result};

#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    #[schema(example = "ok")]
    status: &'static str,
}

/// Whether the server lives
#[utoipa::path(get, path = "/livez", tag = "operations", security(()), responses((status = 200, body = Health)))]
pub async fn livez() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Whether it can do its work
///
/// Ready once a worker's self-test has passed.
#[utoipa::path(
    get, path = "/readyz", tag = "operations", security(()),
    responses(
        (status = 200, description = "Ready", body = Health),
        (status = 503, description = "`no_engine`", body = problem::Body, content_type = "application/problem+json"),
    )
)]
pub async fn readyz(State(service): State<Arc<Service>>) -> Result<Json<Health>> {
    match ready(&service).await? {
        true => Ok(Json(Health { status: "ready" })),
        false => Err(Problem::unavailable("no_engine", "no engine is ready: its worker starts, or has failed", 5)),
    }
}

/// Whether a worker has passed its self-test and was heard of lately.
pub async fn ready(service: &Service) -> Result<bool> {
    let since = now() - service.settings.args.work.lease().as_millis() as i64;
    Ok(service.store.workers().await?.iter().any(|worker| worker.ready && worker.beat_at >= since))
}
