//! `cargo deny`: checks the licences and the sources of all dependencies against deny.toml.

use std::process::Command;

use crate::process::{cargo, run};
use crate::{project_folder, target_folder};

const VERSION: &str = "0.20.2";

/// The checks that run. `advisories` is missing because its database is a git repository, and the tests must pass where
/// only package registries can be reached; run `cargo deny check advisories` by hand before a release.
const CHECKS: [&str; 3] = ["bans", "licenses", "sources"];

/// Installs cargo-deny in the target folder unless it is there, then checks the project and xtask.
pub fn deny() -> Result<(), String> {
    let project = project_folder();
    let root = target_folder().join("cargo-deny").join(VERSION);
    let program = root.join("bin/cargo-deny");
    if !program.exists() {
        // Unoptimised, which takes two minutes to build on two cores and seven seconds to run. Cargo builds it in a
        // temporary folder if no target folder is set.
        let mut install = cargo(&project);
        install.args(["install", "cargo-deny", "--locked", "--debug", "--quiet", "--version", VERSION, "--root"]);
        run(install.arg(&root).env_remove("CARGO_TARGET_DIR").env("CARGO_PROFILE_DEV_DEBUG", "0"))?;
    }
    // xtask has fewer dependencies than the project, so only the project can show that an allowed licence is unused.
    for (manifest, unused_licence) in [("Cargo.toml", "--deny"), ("xtask/Cargo.toml", "--allow")] {
        let mut deny = Command::new(&program);
        deny.current_dir(&project).arg("--manifest-path").arg(manifest).arg("check");
        run(deny.args([unused_licence, "license-not-encountered"]).args(CHECKS))?;
    }
    Ok(())
}
