//! Pythons with packages, in folders that outlive a clean checkout.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::{run, target_folder};

/// A Python of its own named `name`, with exactly `packages` and what they need.
pub fn with(name: &str, packages: &[&str]) -> Result<PathBuf, String> {
    let folder = target_folder().join("python").join(name);
    let python = folder.join("bin/python");
    // Written last: a folder without it was cut off half-way.
    let stamp = folder.join("packages");
    let want = packages.join("\n");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == want) {
        return Ok(python);
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages))?;
    fs::write(&stamp, want).map_err(|error| format!("cannot write {}: {error}", stamp.display()))?;
    Ok(python)
}
