//! `cargo xtask quality`: measures the quality of results; `xtask/quality/README.md` explains the figures.

use std::path::PathBuf;
use std::process::Command;

use cameo_models::Network;

use crate::process::{cargo, run};
use crate::{fetch, project_folder, python, target_folder};

/// The packages that the scripts import.
const PACKAGES: [&str; 3] = ["numpy==1.26.4", "pillow==13.0.0", "scipy==1.17.1"];

/// Runs the networks in the baseline that Cameo is compared with.
const RUNTIME: &str = "onnxruntime==1.32.0";

/// The folder, relative to the project, with the photos that are measured (`fixtures`) and the baseline
/// (`tools/baseline.py`). They are not part of the project.
const DATA: &str = "../shared";

#[derive(Clone, Copy, clap::Args)]
pub struct QualityArgs {
    /// Compare with Cameo's --plain-matte instead of onnxruntime, which needs no download of the published models
    #[arg(long)]
    quick: bool,
    /// Write new floors from the measured figures
    #[arg(long)]
    accept: bool,
}

impl QualityArgs {
    /// The arguments that the tests use.
    pub const QUICK: QualityArgs = QualityArgs { quick: true, accept: false };
}

/// Returns the folder with the photos and the baseline. The error says that it is missing.
pub fn data_folder() -> Result<PathBuf, String> {
    let folder = project_folder().join(DATA);
    match folder.join("fixtures").is_dir() {
        true => Ok(folder),
        false => Err(format!("the photos to measure are not in {DATA}/fixtures beside the project")),
    }
}

/// Returns a Python that can run the baseline.
pub fn baseline_python() -> Result<PathBuf, String> {
    let packages: Vec<&str> = PACKAGES.into_iter().chain([RUNTIME]).collect();
    python::with("quality", &packages)
}

/// Builds the program that is measured and returns its path.
pub fn build_cameo() -> Result<PathBuf, String> {
    // `cargo build` selects fewer features of the dependencies than the tests do, and would compile them once more.
    run(cargo(&project_folder()).args(["test", "--release", "--workspace", "--no-run", "--quiet"]))?;
    Ok(target_folder().join("release/cameo"))
}

pub fn quality(args: QualityArgs) -> Result<(), String> {
    let project = project_folder();
    let data = data_folder()?;
    let cameo = build_cameo()?;
    let python = if args.quick { python::with("quality-quick", &PACKAGES)? } else { baseline_python()? };
    let mut script = Command::new(python);
    script
        .arg(project.join("xtask/quality/quality.py"))
        .arg(cameo)
        .arg(data)
        .arg(target_folder().join("quality"))
        .env("CAMEO_MODELS", project.join("models"));
    if !args.quick {
        fetch::fetch()?;
        script.arg("--onnx").arg(fetch::published_file(Network::IsNet));
    }
    if args.accept {
        script.arg("--accept");
    }
    run(&mut script)
}
