//! Stored sets of cut-out options.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use cameo_tasks::{Config, now};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Service;
use super::caller::Caller;
use super::extract::{Named, Sent};
use super::problem::{Common, OfConfig, Problem, Result};
use crate::pipeline::CutoutOptions;

/// The one that is built in.
const DEFAULT: &str = "default";
const MAX_NAME_CHARS: usize = 100;
/// Configs of one user.
const MAX_CONFIGS: usize = 100;

/// A config as it is sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConfig {
    #[schema(example = "passport, white", min_length = 1, max_length = 100)]
    name: String,
    /// Others may use it; only its owner may change it.
    #[serde(default)]
    shared: bool,
    #[serde(default)]
    #[schema(value_type = Options)]
    options: CutoutOptions,
}

/// A config as it is stored.
#[derive(Debug, Serialize, ToSchema)]
pub struct StoredConfig {
    /// To be sent as `config_id`.
    #[schema(example = "default")]
    id: String,
    name: String,
    shared: bool,
    /// Whether it is the caller's own, and can be changed.
    own: bool,
    #[schema(value_type = Options)]
    options: CutoutOptions,
}

/// How the background is removed, and what takes its place. What is left out is as in `default`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "for the document")]
struct Options {
    /// `isnet` for quality, `u2netp` for speed.
    #[schema(pattern = "^(isnet|u2netp)$", example = "isnet")]
    model: Option<String>,
    /// `portrait` looks for people, `none` leaves the network alone.
    #[schema(pattern = "^(portrait|none)$", example = "portrait")]
    guide: Option<String>,
    /// The network's matte of the whole photo, resampled by Lanczos-3: neither guided nor refined.
    plain_matte: Option<bool>,
    /// Give soft edges the subject's own colours, without the background's.
    decontaminate: Option<bool>,
    /// Fill holes in the subject of up to this share of the photo.
    #[schema(minimum = 0, maximum = 1, example = 0.001)]
    fill_holes: Option<f64>,
    /// Keep the largest subject alone.
    largest: Option<bool>,
    /// Make alpha full from this value on, and none below.
    #[schema(minimum = 0.001, maximum = 0.999, example = 0.5)]
    threshold: Option<f64>,
    /// Move the edge inwards by so many of the photo's pixels, outwards if negative.
    #[schema(minimum = -20, maximum = 20, example = 0.5)]
    choke: Option<f64>,
    /// Blur the edge; the deviation in the photo's pixels.
    #[schema(minimum = 0, maximum = 50, example = 1)]
    feather: Option<f64>,
    /// How the edge looks: `soft`, `natural` or `crisp`.
    #[schema(pattern = "^(soft|natural|crisp)$", example = "natural")]
    edge: Option<String>,
    /// Colour laid behind the cut-out, `#rrggbb` in sRGB; null leaves it transparent.
    #[schema(pattern = "^#[0-9a-fA-F]{6}$", example = "#ffffff")]
    background: Option<String>,
    /// Crop to the subject with a margin of this share of its longer side; null keeps the photo's frame.
    #[schema(minimum = 0, maximum = 1, example = 0.05)]
    crop: Option<f64>,
    /// The alpha as a grey picture instead of the cut-out.
    matte_only: Option<bool>,
    /// Bits of a channel of the result, cut out or not: 8 or 16.
    #[schema(value_type = u8, example = 8)]
    depth: Option<u8>,
    /// How small the result is to be, cut out or not: `fast`, or `small` for a tenth less in up to five times the time.
    #[schema(pattern = "^(fast|small)$", example = "fast")]
    compression: Option<String>,
    /// Leave the colours of a photo in Display P3 as they are, cut out or not, and give the result its profile.
    keep_p3: Option<bool>,
}

impl StoredConfig {
    fn of(config: Config, caller: &Caller) -> Result<Self> {
        Ok(Self {
            id: config.id.to_string(),
            name: config.name,
            shared: config.shared,
            own: config.owner == caller.id,
            options: serde_json::from_str(&config.options).map_err(Problem::internal)?,
        })
    }

    fn built_in() -> Self {
        let options = CutoutOptions::default();
        Self { id: DEFAULT.into(), name: DEFAULT.into(), shared: true, own: false, options }
    }
}

fn unknown() -> Problem {
    Problem::not_found("config_not_found", "there is no such config, or it is not shared with you")
}

/// The options that `config_id` names.
///
/// # Errors
/// 400 if there is no such config, or it is someone else's and not shared.
pub async fn options(service: &Service, caller: &Caller, id: &str) -> Result<CutoutOptions> {
    let unknown = || {
        let detail = "config_id: there is no such config: see GET /api/v1/configs, or leave it out";
        Problem::bad("unknown_config", detail)
    };
    Ok(find(service, caller, id).await?.ok_or_else(unknown)?.options)
}

async fn find(service: &Service, caller: &Caller, id: &str) -> Result<Option<StoredConfig>> {
    if id == DEFAULT {
        return Ok(Some(StoredConfig::built_in()));
    }
    let Ok(id) = Uuid::try_parse(id) else { return Ok(None) };
    let found = service.store.config(id).await?;
    let usable = found.filter(|config| config.owner == caller.id || config.shared);
    usable.map(|config| StoredConfig::of(config, caller)).transpose()
}

/// The configs one may use
///
/// The built-in one, one's own, and those that others share.
#[utoipa::path(
    get, path = "/api/v1/configs", tag = "configs",
    responses(
        (status = 200, description = "All of them", body = Vec<StoredConfig>),
        Common,
    )
)]
pub async fn list(State(service): State<Arc<Service>>, caller: Caller) -> Result<Json<Vec<StoredConfig>>> {
    let mut all = vec![StoredConfig::built_in()];
    for config in service.store.configs(caller.id).await? {
        all.push(StoredConfig::of(config, &caller)?);
    }
    Ok(Json(all))
}

/// One config
#[utoipa::path(
    get, path = "/api/v1/configs/{config_id}", tag = "configs",
    params(("config_id" = String, Path, description = "`default`, or as given when it was stored")),
    responses(
        (status = 200, description = "The config", body = StoredConfig),
        OfConfig,
    )
)]
pub async fn read(State(service): State<Arc<Service>>, caller: Caller, Named(id): Named) -> Result<Json<StoredConfig>> {
    find(&service, &caller, &id).await?.map(Json).ok_or_else(unknown)
}

/// Store a config
#[utoipa::path(
    post, path = "/api/v1/configs", tag = "configs", request_body = NewConfig,
    responses(
        (status = 201, description = "Stored; `Location` names it", body = StoredConfig),
        OfConfig,
    )
)]
pub async fn create(State(service): State<Arc<Service>>, caller: Caller, Sent(body): Sent) -> Result<Response> {
    let new = parse(&body)?;
    let own = service.store.configs(caller.id).await?.iter().filter(|config| config.owner == caller.id).count();
    if own >= MAX_CONFIGS {
        return Err(Problem::bad("too_many_configs", format!("{MAX_CONFIGS} configs are the most: delete one first")));
    }
    let (id, at) = (Uuid::new_v4(), now());
    let stored = store(&service, &caller, new, id, at).await?;
    let location = [(header::LOCATION, format!("/api/v1/configs/{id}"))];
    Ok((StatusCode::CREATED, location, Json(stored)).into_response())
}

/// Replace a config
///
/// Tasks that were submitted with it before keep what it was then.
#[utoipa::path(
    put, path = "/api/v1/configs/{config_id}", tag = "configs", request_body = NewConfig,
    params(("config_id" = String, Path, description = "As given when it was stored")),
    responses(
        (status = 200, description = "Replaced", body = StoredConfig),
        OfConfig,
    )
)]
pub async fn replace(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Named(id): Named,
    Sent(body): Sent,
) -> Result<Json<StoredConfig>> {
    let (id, created_at) = changeable(&service, &caller, &id).await?;
    store(&service, &caller, parse(&body)?, id, created_at).await.map(Json)
}

/// Delete a config
#[utoipa::path(
    delete, path = "/api/v1/configs/{config_id}", tag = "configs",
    params(("config_id" = String, Path, description = "As given when it was stored")),
    responses(
        (status = 204, description = "Deleted"),
        OfConfig,
    )
)]
pub async fn remove(State(service): State<Arc<Service>>, caller: Caller, Named(id): Named) -> Result<StatusCode> {
    let (id, _) = changeable(&service, &caller, &id).await?;
    service.store.delete_config(id, caller.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn parse(body: &[u8]) -> Result<NewConfig> {
    let new: NewConfig = serde_json::from_slice(body)
        .map_err(|error| Problem::bad("invalid_body", format!("the body must be a config as JSON: {error}")))?;
    new.options.check()?;
    let chars = new.name.chars().count();
    if !(1..=MAX_NAME_CHARS).contains(&chars) || new.name.chars().any(char::is_control) {
        let detail = format!("name: use 1 to {MAX_NAME_CHARS} characters, no control characters");
        return Err(Problem::bad("invalid_parameter", detail));
    }
    Ok(new)
}

/// The id of a config that the caller may change, and when it was made.
async fn changeable(service: &Service, caller: &Caller, id: &str) -> Result<(Uuid, i64)> {
    let read_only = |detail| Problem::new(StatusCode::FORBIDDEN, "config_is_read_only", detail);
    if id == DEFAULT {
        return Err(read_only("default is built in and cannot be changed: store a config of your own"));
    }
    let id = Uuid::try_parse(id).map_err(|_| unknown())?;
    let found = service.store.config(id).await?.ok_or_else(unknown)?;
    match (found.owner == caller.id, found.shared) {
        (true, _) => Ok((id, found.created_at)),
        (false, true) => Err(read_only("this config belongs to someone else: store one of your own")),
        (false, false) => Err(unknown()),
    }
}

async fn store(service: &Service, caller: &Caller, new: NewConfig, id: Uuid, created_at: i64) -> Result<StoredConfig> {
    let options = serde_json::to_string(&new.options).map_err(Problem::internal)?;
    let (owner, updated_at) = (caller.id, now());
    let config = Config { id, owner, name: new.name, shared: new.shared, options, created_at, updated_at };
    service.store.put_config(&config).await?;
    StoredConfig::of(config, caller)
}
