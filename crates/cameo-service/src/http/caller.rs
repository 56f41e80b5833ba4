//! Who calls: the token of a request, the user it stands for, and that user's tasks.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use cameo_store::{Task, UserId};
use uuid::Uuid;

use super::problem::Problem;
use super::state::AppState;
use super::tokens::Claims;

/// The user whose valid token came with the request.
#[derive(Debug, Clone)]
pub struct Caller {
    pub id: UserId,
    claims: Arc<Claims>,
}

impl Caller {
    /// Checks that the token is valid still, and that its user may use the API.
    ///
    /// # Errors
    /// 401.
    pub async fn check(&self, state: &AppState) -> Result<(), Problem> {
        // The same answer for every flaw: only a forger would profit from knowing which one it is.
        let invalid = || unauthorized("the token is invalid or has expired: log in again");
        let user = state.store.user(self.id).await?.ok_or_else(invalid)?;
        let is_valid =
            self.claims.is_current() && state.may_log_in(&user) && user.password_changed_at == self.claims.password_of;
        if is_valid { Ok(()) } else { Err(invalid()) }
    }
}

fn unauthorized(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "invalid_token", detail)
}

impl FromRequestParts<Arc<AppState>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> Result<Self, Problem> {
        let token = bearer_token(parts, state.settings.query_tokens)?;
        let invalid = || unauthorized("the token is invalid or has expired: log in again");
        let claims = state.tokens.verify(&token).ok_or_else(invalid)?;
        let id = claims.sub.parse().map_err(|_| invalid())?;
        let caller = Self { id, claims: Arc::new(claims) };
        caller.check(state).await?;
        Ok(caller)
    }
}

/// Returns the token of the `Authorization` header, or else that of the query.
fn bearer_token(parts: &Parts, query_tokens: bool) -> Result<String, Problem> {
    if let Some(value) = parts.headers.get(header::AUTHORIZATION) {
        let token = value.to_str().ok().and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_string())
        });
        return token.ok_or_else(|| unauthorized("the Authorization header must be `Bearer` followed by a token"));
    }
    let query = parts.uri.query().unwrap_or_default();
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
    match pairs.into_iter().find(|(name, _)| name == "token") {
        Some((_, token)) if query_tokens => Ok(token),
        Some(_) => Err(unauthorized("this server takes no token in the query: send it as Authorization: Bearer")),
        None => Err(unauthorized("there is no token: log in, and send it as Authorization: Bearer or ?token=")),
    }
}

/// Returns the task `id`, which must belong to the caller.
///
/// # Errors
/// 404 if there is no such task, 403 if it belongs to another user.
pub async fn find_owned_task(state: &AppState, caller: &Caller, id: &str) -> Result<Task, Problem> {
    let unknown =
        || Problem::not_found("task_not_found", "there is no such task, or it has expired: submit the photo again");
    let id = parse_id(id).ok_or_else(unknown)?;
    let task = state.store.task(id).await?.ok_or_else(unknown)?;
    if task.owner != caller.id {
        return Err(Problem::new(StatusCode::FORBIDDEN, "not_your_task", "this task belongs to another user"));
    }
    Ok(task)
}

/// Parses an id as the API writes it: hexadecimal digits, with hyphens or without.
pub fn parse_id(text: &str) -> Option<Uuid> {
    // The library reads braces and the prefix of a URN as well.
    text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-').then(|| Uuid::try_parse(text).ok()).flatten()
}
