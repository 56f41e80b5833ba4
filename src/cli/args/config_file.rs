//! The configuration file: flags by their long names, as TOML. Flags and environment variables take precedence.

use std::path::Path;

use clap::{ArgAction, Command};
use toml::Value;

/// Makes the values in the file at `path` the defaults of `command`'s flags.
///
/// # Errors
/// One sentence if the file cannot be read, or names a flag that `command` does not have.
pub fn apply(mut command: Command, path: &Path) -> Result<Command, String> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        // The parser's message quotes the line.
        format!("{shown} is not TOML: {}", error.to_string().trim_end())
    })?;
    for (key, value) in table {
        let id = key.replace('-', "_");
        let flags = ["config", "demo", "help", "supervised", "version"];
        let known = command.get_arguments().find(|arg| arg.get_id() == id.as_str() && !flags.contains(&id.as_str()));
        let Some(arg) = known else {
            return Err(format!("{shown}: {key} is not a setting: see cameo {} --help", command.get_name()));
        };
        let values = match arg.get_action() {
            ArgAction::SetTrue => value.as_bool().map(|truth| vec![truth.to_string()]),
            ArgAction::Append => values(&value),
            _ => single_value(&value).map(|value| vec![value]),
        };
        let values = values
            .ok_or_else(|| format!("{shown}: {key} cannot be {value}: see cameo {} --help", command.get_name()))?;
        command = command.mut_arg(id, |arg| arg.default_values(values));
    }
    Ok(command)
}

/// Converts a TOML value to the values of a flag that is repeatable.
fn values(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(items) => items.iter().map(single_value).collect(),
        value => single_value(value).map(|value| vec![value]),
    }
}

/// Converts a TOML value to the value of a flag; `None` for a type that no flag accepts.
fn single_value(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(truth) => Some(truth.to_string()),
        Value::Array(_) | Value::Datetime(_) | Value::Table(_) => None,
    }
}
