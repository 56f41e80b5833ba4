//! `cargo xtask quality`: Cameo's pictures in figures, beside what users get today; `xtask/quality/README.md` explains.

use std::path::PathBuf;
use std::process::Command;

use cameo_models::Network;

use crate::{cargo, fetch, project_folder, python, run, target_folder};

/// What the scripts import.
const PACKAGES: [&str; 3] = ["numpy==1.26.4", "pillow==13.0.0", "scipy==1.17.1"];

/// The runtime of the plain way.
const RUNTIME: &str = "onnxruntime==1.32.0";

/// How the figures are taken.
#[derive(Clone, Copy, clap::Args)]
pub struct Args {
    /// Take the plain way's mattes from Cameo's --plain-matte, and not its times: needs no onnxruntime and no npm
    #[arg(long)]
    quick: bool,
    /// Write the floors anew, from what is found
    #[arg(long)]
    accept: bool,
}

impl Args {
    /// As the tests call it.
    pub const QUICK: Args = Args { quick: true, accept: false };
}

/// Whether the pictures to measure are there: they are not part of the project.
pub fn has_fixtures() -> bool {
    project_folder().join("../shared/fixtures").exists()
}

/// A Python that has what the plain way needs.
pub fn plain_way() -> Result<PathBuf, String> {
    let packages: Vec<&str> = PACKAGES.into_iter().chain([RUNTIME]).collect();
    python::with("quality", &packages)
}

pub fn quality(args: Args) -> Result<(), String> {
    let project = project_folder();
    let shared = project.join("../shared");
    if !has_fixtures() {
        return Err("the fixtures in ../shared are not beside the project: put them there, then try again".into());
    }
    // As the tests build it: `cargo build` picks other features of what the tests need too, and compiles all of ours anew.
    run(cargo(&project).args(["test", "--release", "--workspace", "--no-run", "--quiet"]))?;
    let mut script = Command::new(if args.quick { python::with("quality-quick", &PACKAGES)? } else { plain_way()? });
    script
        .arg(project.join("xtask/quality/quality.py"))
        .arg(target_folder().join("release/cameo"))
        .arg(&shared)
        .arg(target_folder().join("quality"))
        .env("CAMEO_MODELS", project.join("models"));
    if !args.quick {
        fetch::fetch()?;
        script.arg("--onnx").arg(fetch::path(Network::IsNet));
    }
    if args.accept {
        script.arg("--accept");
    }
    run(&mut script)
}
