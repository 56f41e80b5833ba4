//! Log-in: exchanges a name and a password for a token.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, FromRequest, Multipart, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use cameo_store::User;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::client_address::client_address;
use super::extract::{Query, RawBody};
use super::problem::{Problem, Result};
use super::responses::LoginErrors;
use super::state::AppState;
use crate::secrets::password;

/// A name and a password, in the query, in a form or as JSON.
#[derive(Default, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
pub struct Credentials {
    #[schema(example = "test_user")]
    username: Option<String>,
    #[schema(example = "test_password", format = Password)]
    password: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct LoginBody {
    /// Send it as `Authorization: Bearer` or `?token=`.
    access_token: String,
    #[schema(example = "bearer")]
    token_type: &'static str,
    /// Seconds until the token expires.
    #[schema(example = 3600)]
    expires_in: u64,
}

/// Log in
///
/// Exchanges a name and a password, sent in the query, as a form or as JSON, for a token.
#[utoipa::path(
    post, path = "/api/v1/login", tag = "accounts", params(Credentials), security(()),
    request_body(
        description = "Instead of the query",
        content((Credentials = "application/json"), (Credentials = "application/x-www-form-urlencoded")),
    ),
    responses(
        (status = 200, description = "A token", body = LoginBody),
        LoginErrors,
    )
)]
pub async fn login(
    State(state): State<Arc<AppState>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Query(query): Query<Credentials>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Json<LoginBody>> {
    let sent = credentials_in(&headers, &body).await?;
    let missing =
        || Problem::bad_request("missing_credentials", "send username and password in the query, in a form or as JSON");
    let name = sent.username.or(query.username).filter(|name| !name.is_empty()).ok_or_else(missing)?;
    let password = sent.password.or(query.password).filter(|password| !password.is_empty()).ok_or_else(missing)?;

    let address = client_address(&headers, peer.ip(), state.settings.behind_proxy);
    let attempt = state.login_throttle.begin(&name, address).await.map_err(|secs| {
        let detail = format!("too many log-ins have failed: wait {secs} seconds");
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_failures", detail).retry_after(secs)
    })?;
    let Some(user) = authenticate(&state, &name, password).await? else {
        let detail = "the name or the password is wrong: correct it";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "invalid_credentials", detail));
    };
    attempt.succeed();
    let access_token = state.tokens.issue(&user).map_err(Problem::internal)?;
    Ok(Json(LoginBody { access_token, token_type: "bearer", expires_in: state.tokens.ttl_secs() }))
}

/// Returns the user with this name and password. Does the same work whether the user is unknown or disabled, or the
/// password is wrong.
async fn authenticate(state: &AppState, name: &str, password: String) -> Result<Option<User>> {
    let user = state.store.user_named(name).await?.filter(|user| state.may_log_in(user));
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let verified = state.password_checks.run(move || password::verify(&password, hash.as_deref())).await?;
    Ok(user.filter(|_| verified))
}

/// Returns the credentials in the body; none if it is empty.
async fn credentials_in(headers: &HeaderMap, body: &Bytes) -> Result<Credentials> {
    if body.is_empty() {
        return Ok(Credentials::default());
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let content_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    // The parser's own message could quote a password.
    let parsed = match content_type.as_str() {
        // Some editors put a byte order mark in front.
        "application/json" => serde_json::from_slice(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)).ok(),
        "multipart/form-data" => multipart_credentials(headers, body.clone()).await,
        "application/x-www-form-urlencoded" => serde_urlencoded::from_bytes(body).ok(),
        _ => None,
    };
    let detail = "the body must be a form or a JSON object with username and password";
    parsed.ok_or_else(|| Problem::bad_request("invalid_body", detail))
}

/// Returns the credentials in the parts of a form; `None` if it is malformed.
async fn multipart_credentials(headers: &HeaderMap, body: Bytes) -> Option<Credentials> {
    let mut request = Request::new(Body::from(body));
    *request.headers_mut() = headers.clone();
    let mut form = Multipart::from_request(request, &()).await.ok()?;
    let mut credentials = Credentials::default();
    while let Some(field) = form.next_field().await.ok()? {
        match field.name() {
            Some("username") => credentials.username = field.text().await.ok(),
            Some("password") => credentials.password = field.text().await.ok(),
            _ => {}
        }
    }
    Some(credentials)
}
