//! Running other programs.

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

/// Returns a cargo command that runs in `folder`.
pub fn cargo(folder: &Path) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.current_dir(folder);
    // Mesa prints a warning without it.
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        cargo.env("XDG_RUNTIME_DIR", std::env::temp_dir());
    }
    cargo
}

/// Runs a command that prints to the terminal. The error names the command that failed or the program that is missing.
pub fn run(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| cannot_start(command, &error))?;
    if status.success() { Ok(()) } else { Err(format!("`{}` failed ({status})", line(command))) }
}

/// Runs a command and returns what it writes to standard output; otherwise as [`run`].
pub fn output_of(command: &mut Command) -> Result<Vec<u8>, String> {
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| cannot_start(command, &error))?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(format!("`{}` failed ({})", line(command), output.status)),
    }
}

fn line(command: &Command) -> String {
    format!("{command:?}").replace('"', "")
}

fn cannot_start(command: &Command, error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => {
            format!("{:?} is needed but was not found: install it, then try again", command.get_program())
        }
        _ => format!("cannot start `{}`: {error}", line(command)),
    }
}
