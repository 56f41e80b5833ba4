//! Python environments with pinned packages, kept in the target folder.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::process::run;
use crate::{files, target_folder};

/// Returns the interpreter of a virtual environment that has `packages` and their dependencies; creates the environment
/// unless an earlier run did.
pub fn with(name: &str, packages: &[&str]) -> Result<PathBuf, String> {
    let folder = target_folder().join("python").join(name);
    let python = folder.join("bin/python");
    // This file is written last: without it, the installation was interrupted.
    let installed = folder.join("packages");
    let wanted = packages.join("\n");
    if fs::read_to_string(&installed).is_ok_and(|found| found == wanted) {
        return Ok(python);
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages))?;
    files::write(&installed, wanted.as_bytes())?;
    Ok(python)
}
