//! Who calls: the token of a request, and the user it stands for.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use cameo_tasks::{Task, User, UserId};
use uuid::Uuid;

use super::Service;
use super::problem::Problem;

/// A user who has shown a valid token.
#[derive(Debug, Clone)]
pub struct Caller {
    pub id: UserId,
}

fn refused(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "invalid_token", detail)
}

impl FromRequestParts<Arc<Service>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, Problem> {
        let token = token(parts, service.settings.query_tokens)?;
        // One answer for every flaw: which one it is helps only a forger.
        let invalid = || refused("the token is invalid or has expired: log in again");
        let claims = service.tokens.check(&token).ok_or_else(invalid)?;
        let id = claims.sub.parse().map_err(|_| invalid())?;
        let user = service.store.user(id).await?.ok_or_else(invalid)?;
        if !service.may_enter(&user) || user.tokens_from != claims.password_of {
            return Err(invalid());
        }
        Ok(Self { id })
    }
}

impl Service {
    /// The demo's user, whose password everybody knows, is nobody elsewhere.
    pub fn may_enter(&self, user: &User) -> bool {
        !user.disabled && (!user.demo || self.settings.demo)
    }
}

/// The token of the `Authorization` header, else the one of the query.
fn token(parts: &Parts, query_tokens: bool) -> Result<String, Problem> {
    if let Some(value) = parts.headers.get(header::AUTHORIZATION) {
        let token = value.to_str().ok().and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_string())
        });
        return token.ok_or_else(|| refused("the Authorization header must be `Bearer` and a token"));
    }
    let query = parts.uri.query().unwrap_or_default();
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
    match pairs.into_iter().find(|(name, _)| name == "token") {
        Some((_, token)) if query_tokens => Ok(token),
        Some(_) => Err(refused("tokens in the query are switched off here: send Authorization: Bearer")),
        None => Err(refused("a token is missing: log in, then send it as Authorization: Bearer or ?token=")),
    }
}

/// A task that is the caller's own.
///
/// # Errors
/// 404 if there is none, 403 if it is someone else's.
pub async fn own(service: &Service, caller: &Caller, id: &str) -> Result<Task, Problem> {
    let unknown = || Problem::not_found("task_not_found", "there is no such task, or it was forgotten after its time");
    let id = Uuid::try_parse(id).map_err(|_| unknown())?;
    let task = service.store.task(id).await?.ok_or_else(unknown)?;
    if task.owner != caller.id {
        return Err(Problem::new(StatusCode::FORBIDDEN, "not_your_task", "this task belongs to someone else"));
    }
    Ok(task)
}
