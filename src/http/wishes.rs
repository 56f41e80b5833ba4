//! What a submission asks for, in the query and in the fields of its form.

use std::collections::HashMap;

use axum::extract::Request;
use axum::http::HeaderMap;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;

use super::caller::Caller;
use super::problem::{Problem, Result};
use super::{Service, configs};
use crate::pipeline::{Job, Recipe};

/// Parameters of a task, in the query or as fields of the form.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by name, from the query and from the form alike")]
pub struct Params {
    /// How strongly to enhance: `light` (1.5x), `medium` (2x) or `strong` (3x)
    #[param(schema_with = level_schema)]
    enhance_level: Option<String>,
    /// Enlarge by this factor instead of the level's
    #[param(minimum = 1, maximum = 4)]
    scale: Option<f64>,
    /// A stored set of cut-out options; without it, `default`
    config_id: Option<String>,
}

fn level_schema() -> utoipa::openapi::schema::Object {
    use utoipa::openapi::schema::{ObjectBuilder, Type};
    let levels = crate::pipeline::Level::ALL.map(|level| level.name());
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(levels)).default(Some("medium".into())).build()
}

/// The query's parameters; each is there once at most.
pub fn of_query(request: &Request) -> Result<HashMap<String, String>> {
    let twice = |name: &str| Problem::bad("invalid_parameter", format!("{name} is there twice: send it once"));
    let malformed = |_| Problem::bad("invalid_parameter", "the query is malformed");
    let pairs: Vec<(String, String)> =
        serde_urlencoded::from_str(request.uri().query().unwrap_or_default()).map_err(malformed)?;
    let mut asked = HashMap::new();
    for (name, value) in pairs {
        if PARAMETERS.contains(&name.as_str()) && asked.insert(name.clone(), value).is_some() {
            return Err(twice(&name));
        }
    }
    Ok(asked)
}

/// The names of [`Params`].
const PARAMETERS: [&str; 3] = ["enhance_level", "scale", "config_id"];

/// The recipe that the wishes ask for; what nobody knows is ignored.
pub async fn recipe(service: &Service, caller: &Caller, job: Job, wishes: &HashMap<String, String>) -> Result<Recipe> {
    let invalid = |error: String| Problem::bad("invalid_parameter", error);
    let mut recipe = Recipe::new(job);
    if let Some(level) = wishes.get("enhance_level") {
        recipe.level = level.parse().map_err(|error: String| invalid(format!("enhance_level: {error}")))?;
    }
    if let Some(scale) = wishes.get("scale") {
        recipe.scale = Some(scale.parse().map_err(|_| invalid(format!("scale: {scale:?} is no number")))?);
    }
    if let Some(id) = wishes.get("config_id") {
        recipe.cutout = configs::options(service, caller, id).await?;
    }
    Ok(recipe)
}

/// The caller's key, and a hash of all that decides the task.
pub fn idempotency(
    headers: &HeaderMap,
    job: Job,
    sha256: &str,
    wishes: &HashMap<String, String>,
) -> Result<Option<(String, String)>> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    let key = key.to_str().ok().filter(|key| (1..=200).contains(&key.len()));
    let key =
        key.ok_or_else(|| Problem::bad("invalid_parameter", "an Idempotency-Key has 1 to 200 visible letters"))?;
    let named = PARAMETERS.map(|name| (name, wishes.get(name)));
    let body = Sha256::digest(format!("{} {sha256} {named:?}", job.name()));
    Ok(Some((key.into(), body.iter().map(|byte| format!("{byte:02x}")).collect())))
}
