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
        let flag = matches!(arg.get_action(), ArgAction::SetTrue);
        let values =
            values(&value).filter(|values| !flag || values.iter().all(|value| value == "true" || value == "false"));
        let values = values
            .ok_or_else(|| format!("{shown}: {key} cannot be {value}: see cameo {} --help", command.get_name()))?;
        command = command.mut_arg(id, |arg| arg.default_values(values));
    }
    Ok(command)
}

/// Converts a TOML value to flag values; `None` for a type that no flag accepts.
fn values(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Integer(number) => Some(vec![number.to_string()]),
        Value::Float(number) => Some(vec![number.to_string()]),
        Value::Boolean(truth) => Some(vec![truth.to_string()]),
        Value::Array(items) => Some(items.iter().map(values).collect::<Option<Vec<_>>>()?.concat()),
        Value::Datetime(_) | Value::Table(_) => None,
    }
}
