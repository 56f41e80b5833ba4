//! Log-in: a name and a password against a token.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use utoipa::{IntoParams, ToSchema};

use super::Service;
use super::extract::{Asked, Sent};
use super::problem::{self, Problem, Result};
use super::throttle::Throttle;
use crate::accounts::password;

/// Password checks at once: each takes 19 MiB and a core for tens of milliseconds.
const CHECKS: usize = 2;

/// A name and a password: in the query, in a form or as JSON.
#[derive(Debug, Default, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
pub struct Credentials {
    #[schema(example = "test_user")]
    username: Option<String>,
    #[schema(example = "test_password", format = Password)]
    password: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Login {
    /// To be sent as `Authorization: Bearer` or `?token=`.
    access_token: String,
    #[schema(example = "bearer")]
    token_type: &'static str,
    /// Seconds until the token expires.
    #[schema(example = 3600)]
    expires_in: u64,
}

/// What protects passwords from being guessed.
pub struct Door {
    accounts: Throttle<String>,
    addresses: Throttle<std::net::IpAddr>,
    checks: Semaphore,
}

impl Default for Door {
    fn default() -> Self {
        Self {
            accounts: Throttle::new(10, Duration::from_secs(30)),
            addresses: Throttle::new(30, Duration::from_secs(10)),
            checks: Semaphore::new(CHECKS),
        }
    }
}

/// Log in
///
/// Gives a token for a name and a password, sent in the query, as a form or as JSON.
#[utoipa::path(
    post, path = "/api/v1/login", tag = "accounts", params(Credentials), security(()),
    request_body(description = "Instead of the query", content((Credentials = "application/json"), (Credentials = "application/x-www-form-urlencoded"))),
    responses(
        (status = 200, description = "A token", body = Login),
        (status = 400, description = "`missing_credentials`, `invalid_body`, `invalid_parameter`", body = problem::Body, content_type = "application/problem+json"),
        (status = 401, description = "`invalid_credentials`", body = problem::Body, content_type = "application/problem+json"),
        (status = 413, description = "`body_too_large`", body = problem::Body, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_failures`; wait `Retry-After` seconds", body = problem::Body, content_type = "application/problem+json"),
    )
)]
pub async fn login(
    State(service): State<Arc<Service>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    Asked(query): Asked<Credentials>,
    headers: HeaderMap,
    Sent(body): Sent,
) -> Result<Json<Login>> {
    let sent = credentials(&headers, &body)?;
    let missing = || Problem::bad("missing_credentials", "send username and password, in the query, a form or JSON");
    let name = sent.username.or(query.username).filter(|name| !name.is_empty()).ok_or_else(missing)?;
    let password = sent.password.or(query.password).filter(|text| !text.is_empty()).ok_or_else(missing)?;

    let address = service.settings.address(&headers, address);
    let account: String = name.to_lowercase().chars().take(200).collect();
    let now = Instant::now();
    let wait = service.door.accounts.wait(&account, now).max(service.door.addresses.wait(&address, now));
    if let Some(secs) = wait {
        let detail = format!("too many log-ins have failed: wait {secs} seconds");
        return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_failures", detail).retry_after(secs));
    }
    // The same work and the same answer, whether the user is unknown, disabled or mistaken.
    let user = service.store.user_named(&name).await?.filter(|user| service.may_enter(user));
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let permit = service.door.checks.acquire().await.map_err(Problem::internal)?;
    let right = tokio::task::spawn_blocking(move || password::verify(&password, hash.as_deref())).await;
    drop(permit);
    let (true, Some(user)) = (right.map_err(Problem::internal)?, user) else {
        service.door.accounts.failed(account, now);
        service.door.addresses.failed(address, now);
        let detail = "the name or the password is wrong";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "invalid_credentials", detail));
    };
    let access_token = service.tokens.issue(&user).map_err(Problem::internal)?;
    Ok(Json(Login { access_token, token_type: "bearer", expires_in: service.tokens.ttl_secs }))
}

/// What the body says; nothing if it is empty.
fn credentials(headers: &HeaderMap, body: &[u8]) -> Result<Credentials> {
    if body.is_empty() {
        return Ok(Credentials::default());
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    // The parser's words could quote a password.
    let invalid =
        |_| Problem::bad("invalid_body", "the body must be a form or a JSON object with username and password");
    match kind.as_str() {
        "application/json" => serde_json::from_slice(body).map_err(|_| invalid(())),
        "application/x-www-form-urlencoded" => serde_urlencoded::from_bytes(body).map_err(|_| invalid(())),
        _ => Err(invalid(())),
    }
}
