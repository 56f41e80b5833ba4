//! Configs: named sets of cut-out options that a user has stored.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use cameo_core::pipeline::CutoutOptions;
use cameo_store::{Config, Millis, now};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::caller::{Caller, parse_id};
use super::extract::{PathId, RawBody};
use super::problem::{Problem, Result};
use super::responses::{CommonErrors, ConfigErrors};
use super::state::AppState;

/// The id and the name of the built-in config.
const DEFAULT: &str = "default";
const MAX_NAME_CHARS: usize = 100;
const MAX_CONFIGS_PER_USER: u64 = 100;

/// A config as a client sends it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConfig {
    #[schema(example = "passport, white", min_length = 1, max_length = 100)]
    name: String,
    /// Other users may use the config; only its owner may change it.
    #[serde(default)]
    shared: bool,
    #[serde(default)]
    options: CutoutOptions,
}

impl NewConfig {
    fn parse(body: &[u8]) -> Result<Self> {
        let config: Self = serde_json::from_slice(body).map_err(|error| {
            Problem::bad_request("invalid_body", format!("the body must be a config as JSON: {error}"))
        })?;
        config.options.check()?;
        let chars = config.name.chars().count();
        if !(1..=MAX_NAME_CHARS).contains(&chars) || config.name.chars().any(char::is_control) {
            let detail = format!("name: use 1 to {MAX_NAME_CHARS} characters and no control characters");
            return Err(Problem::bad_request("invalid_parameter", detail));
        }
        Ok(config)
    }
}

/// A config as the API returns it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConfigBody {
    /// Send it as `config_id`.
    #[schema(example = "default")]
    id: String,
    name: String,
    shared: bool,
    /// Whether it belongs to the caller, who then can change it.
    own: bool,
    options: CutoutOptions,
}

impl ConfigBody {
    fn new(config: Config, caller: &Caller) -> serde_json::Result<Self> {
        Ok(Self {
            id: config.id.to_string(),
            name: config.name,
            shared: config.shared,
            own: config.owner == caller.id,
            options: serde_json::from_str(&config.options)?,
        })
    }

    fn built_in() -> Self {
        let options = CutoutOptions::default();
        Self { id: DEFAULT.into(), name: DEFAULT.into(), shared: true, own: false, options }
    }
}

/// Returns the options of the config `id`, for a task.
///
/// # Errors
/// 400 if there is no such config, or it belongs to another user and is not shared.
pub async fn find_options(state: &AppState, caller: &Caller, id: &str) -> Result<CutoutOptions> {
    let unknown = || {
        let detail = "config_id: there is no such config: see GET /api/v1/configs, or leave it out";
        Problem::bad_request("unknown_config", detail)
    };
    Ok(find_readable(state, caller, id).await?.ok_or_else(unknown)?.options)
}

/// Returns the config `id` if the caller may use it.
async fn find_readable(state: &AppState, caller: &Caller, id: &str) -> Result<Option<ConfigBody>> {
    if id == DEFAULT {
        return Ok(Some(ConfigBody::built_in()));
    }
    let Some(id) = parse_id(id) else { return Ok(None) };
    let config = state.store.config(id).await?.filter(|config| config.owner == caller.id || config.shared);
    config.map(|config| ConfigBody::new(config, caller)).transpose().map_err(Problem::internal)
}

/// Returns the config `id` if the caller may change it.
async fn find_writable(state: &AppState, caller: &Caller, id: &str) -> Result<Config> {
    let read_only = |detail| Problem::new(StatusCode::FORBIDDEN, "config_is_read_only", detail);
    if id == DEFAULT {
        return Err(read_only("default is built in and cannot be changed: store a config of your own"));
    }
    let id = parse_id(id).ok_or_else(not_found)?;
    let config = state.store.config(id).await?.ok_or_else(not_found)?;
    match (config.owner == caller.id, config.shared) {
        (true, _) => Ok(config),
        (false, true) => Err(read_only("this config belongs to another user: store a config of your own")),
        (false, false) => Err(not_found()),
    }
}

fn not_found() -> Problem {
    Problem::not_found("config_not_found", "there is no such config, or it is not shared with you")
}

/// List configs
///
/// The built-in config, the caller's own, and those that other users share.
#[utoipa::path(
    get, path = "/api/v1/configs", tag = "configs",
    responses(
        (status = 200, description = "All configs that the caller may use", body = Vec<ConfigBody>),
        CommonErrors,
    )
)]
pub async fn list(State(state): State<Arc<AppState>>, caller: Caller) -> Result<Json<Vec<ConfigBody>>> {
    let mut configs = vec![ConfigBody::built_in()];
    for config in state.store.configs(caller.id).await? {
        let id = config.id;
        match ConfigBody::new(config, &caller) {
            Ok(config) => configs.push(config),
            // It must not hide the others.
            Err(error) => tracing::error!(config = %id, %error, "the options of a config are damaged"),
        }
    }
    Ok(Json(configs))
}

/// Get a config
#[utoipa::path(
    get, path = "/api/v1/configs/{config_id}", tag = "configs",
    params(("config_id" = String, Path, description = "`default`, or the id of a stored config")),
    responses(
        (status = 200, description = "The config", body = ConfigBody),
        ConfigErrors,
    )
)]
pub async fn read(State(state): State<Arc<AppState>>, caller: Caller, PathId(id): PathId) -> Result<Json<ConfigBody>> {
    find_readable(&state, &caller, &id).await?.map(Json).ok_or_else(not_found)
}

/// Store a config
#[utoipa::path(
    post, path = "/api/v1/configs", tag = "configs", request_body = NewConfig,
    responses(
        (status = 201, description = "Stored; `Location` is its path", body = ConfigBody),
        ConfigErrors,
    )
)]
pub async fn create(State(state): State<Arc<AppState>>, caller: Caller, RawBody(body): RawBody) -> Result<Response> {
    let new = NewConfig::parse(&body)?;
    let (id, created_at) = (Uuid::new_v4(), now());
    let config = put(&state, &caller, new, id, created_at).await?;
    let location = [(header::LOCATION, format!("/api/v1/configs/{id}"))];
    Ok((StatusCode::CREATED, location, Json(config)).into_response())
}

/// Replace a config
///
/// Tasks that were submitted with it keep the options that it had then.
#[utoipa::path(
    put, path = "/api/v1/configs/{config_id}", tag = "configs", request_body = NewConfig,
    params(("config_id" = String, Path, description = "The id of a stored config")),
    responses(
        (status = 200, description = "Replaced", body = ConfigBody),
        ConfigErrors,
    )
)]
pub async fn replace(
    State(state): State<Arc<AppState>>,
    caller: Caller,
    PathId(id): PathId,
    RawBody(body): RawBody,
) -> Result<Json<ConfigBody>> {
    let old = find_writable(&state, &caller, &id).await?;
    put(&state, &caller, NewConfig::parse(&body)?, old.id, old.created_at).await.map(Json)
}

/// Delete a config
#[utoipa::path(
    delete, path = "/api/v1/configs/{config_id}", tag = "configs",
    params(("config_id" = String, Path, description = "The id of a stored config")),
    responses(
        (status = 204, description = "Deleted"),
        ConfigErrors,
    )
)]
pub async fn remove(State(state): State<Arc<AppState>>, caller: Caller, PathId(id): PathId) -> Result<StatusCode> {
    let config = find_writable(&state, &caller, &id).await?;
    state.store.delete_config(config.id, caller.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn put(state: &AppState, caller: &Caller, new: NewConfig, id: Uuid, created_at: Millis) -> Result<ConfigBody> {
    let options = serde_json::to_string(&new.options).map_err(Problem::internal)?;
    let (owner, updated_at) = (caller.id, now());
    let config = Config { id, owner, name: new.name, shared: new.shared, options, created_at, updated_at };
    if !state.store.put_config(&config, MAX_CONFIGS_PER_USER).await? {
        let detail = format!("you have {MAX_CONFIGS_PER_USER} configs, which is the limit: delete one first");
        return Err(Problem::bad_request("too_many_configs", detail));
    }
    ConfigBody::new(config, caller).map_err(Problem::internal)
}
