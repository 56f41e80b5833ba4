//! The parameters of a task, from the query and from the fields of its form.

use std::collections::HashMap;

use axum::http::HeaderMap;
use cameo_core::pipeline::{Level, Operation, Recipe};
use cameo_store::IdempotencyKey;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use super::caller::Caller;
use super::configs;
use super::problem::{Problem, Result};
use super::state::AppState;

/// The header whose repetition returns the task of the first submission.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

const MAX_KEY_BYTES: usize = 200;

/// Parameters of a task, in the query or as fields of the form. They are text until [`TaskParams::recipe`] parses them.
#[derive(Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TaskParams {
    /// How strongly to enhance: `light` (1.5x), `medium` (2x) or `strong` (3x)
    #[param(schema_with = level_schema)]
    enhance_level: Option<String>,
    /// Enlarge by this factor instead of the level's
    #[param(value_type = Option<f64>, minimum = 1, maximum = 4)]
    scale: Option<String>,
    /// The id of a config with cut-out options; `default` if it is left out
    config_id: Option<String>,
}

fn level_schema() -> Object {
    let levels = Level::ALL.iter().map(|level| level.name());
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(levels)).default(Some("medium".into())).build()
}

impl TaskParams {
    /// Reads the query. Other parameters, such as the token, are ignored.
    ///
    /// # Errors
    /// 400 if the query is malformed or a parameter is given more than once.
    pub fn from_query(query: &str) -> Result<Self> {
        let invalid = |detail: String| Problem::bad_request("invalid_parameter", detail);
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query)
            .map_err(|_| invalid("the query is malformed: encode it as application/x-www-form-urlencoded".into()))?;
        let mut params = Self::default();
        for (name, value) in pairs {
            let Some(param) = params.param(&name) else { continue };
            if param.replace(value).is_some() {
                return Err(invalid(format!("{name} is given more than once: send it once")));
            }
        }
        Ok(params)
    }

    /// Adds the parameters that the form has and the query does not.
    pub fn or_form_fields(mut self, fields: HashMap<String, String>) -> Self {
        for (name, value) in fields {
            if let Some(param) = self.param(&name) {
                param.get_or_insert(value);
            }
        }
        self
    }

    fn param(&mut self, name: &str) -> Option<&mut Option<String>> {
        match name {
            "enhance_level" => Some(&mut self.enhance_level),
            "scale" => Some(&mut self.scale),
            "config_id" => Some(&mut self.config_id),
            _ => None,
        }
    }

    /// Returns the recipe that the parameters describe.
    ///
    /// # Errors
    /// 400 if a parameter is invalid or there is no such config.
    pub async fn recipe(&self, state: &AppState, caller: &Caller, operation: Operation) -> Result<Recipe> {
        let invalid = |detail: String| Problem::bad_request("invalid_parameter", detail);
        let mut recipe = Recipe::new(operation);
        if let Some(level) = &self.enhance_level {
            recipe.level = level.parse().map_err(|error| invalid(format!("enhance_level: {error}")))?;
        }
        if let Some(scale) = &self.scale {
            let factor = scale.parse().map_err(|_| invalid(format!("scale: {scale:?} is not a number: use 1 to 4")))?;
            recipe.scale = Some(factor);
        }
        if let Some(id) = &self.config_id {
            recipe.cutout = configs::find_options(state, caller, id).await?;
        }
        Ok(recipe)
    }

    /// Returns the caller's `Idempotency-Key`, if there is one, with a hash of everything that determines the task.
    ///
    /// # Errors
    /// 400 if the key is empty, too long or not ASCII.
    pub fn idempotency_key(
        &self,
        headers: &HeaderMap,
        operation: Operation,
        photo_sha256: &str,
    ) -> Result<Option<IdempotencyKey>> {
        let Some(key) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
        let key = key.to_str().ok().filter(|key| (1..=MAX_KEY_BYTES).contains(&key.len()));
        let detail = "an Idempotency-Key has 1 to 200 visible ASCII characters: choose another";
        let key = key.ok_or_else(|| Problem::bad_request("invalid_parameter", detail))?;
        let request_hash = Sha256::digest(format!("{} {photo_sha256} {self:?}", operation.name()));
        Ok(Some(IdempotencyKey { key: key.into(), request_hash: hex::encode(request_hash) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_takes_precedence_over_the_form() {
        let query = TaskParams::from_query("token=x&enhance_level=light").unwrap();
        let fields = [("enhance_level", "strong"), ("scale", "2"), ("token", "y")];
        let params = query.or_form_fields(fields.map(|(name, value)| (name.into(), value.into())).into());
        assert_eq!(params.enhance_level.as_deref(), Some("light"));
        assert_eq!((params.scale.as_deref(), params.config_id), (Some("2"), None));
    }

    #[test]
    fn a_parameter_is_given_once_at_most() {
        assert!(TaskParams::from_query("scale=2&scale=3").is_err());
        assert!(TaskParams::from_query("other=2&other=3").is_ok());
    }
}
