//! Who calls: the token of a request, the user it stands for, and that user's tasks.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use cameo_store::{Task, UserId};
use uuid::Uuid;

use super::problem::Problem;
use super::state::AppState;

/// The user whose valid token came with the request.
#[derive(Debug, Clone)]
pub struct Caller {
    pub id: UserId,
}

fn unauthorized(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "invalid_token", detail)
}

impl FromRequestParts<Arc<AppState>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> Result<Self, Problem> {
        let token = bearer_token(parts, state.settings.query_tokens)?;
        // The same answer for every flaw: only a forger would profit from knowing which one it is.
        let invalid = || unauthorized("the token is invalid or has expired: log in again");
        let claims = state.tokens.verify(&token).ok_or_else(invalid)?;
        let id = claims.sub.parse().map_err(|_| invalid())?;
        let user = state.store.user(id).await?.ok_or_else(invalid)?;
        if !state.may_log_in(&user) || user.password_changed_at != claims.password_of {
            return Err(invalid());
        }
        Ok(Self { id })
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
    let id = Uuid::try_parse(id).map_err(|_| unknown())?;
    let task = state.store.task(id).await?.ok_or_else(unknown)?;
    if task.owner != caller.id {
        return Err(Problem::new(StatusCode::FORBIDDEN, "not_your_task", "this task belongs to another user"));
    }
    Ok(task)
}
