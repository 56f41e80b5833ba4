//! `cargo xtask golden`: the goldens of the networks, made anew by onnxruntime.

use std::process::Command;

use cameo_models::Network;

use crate::{fetch, project_folder, run, target_folder};

/// What `golden.py` imports; pinned, as goldens are compared to the last bit that matters.
const PACKAGES: [&str; 4] = ["onnxruntime==1.32.0", "onnx==1.23.2", "numpy==1.26.4", "pillow==13.0.0"];

pub fn golden() -> Result<(), String> {
    fetch::fetch()?;
    let venv = target_folder().join("golden-venv");
    run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    let python = venv.join("bin/python");
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(PACKAGES))?;
    let project = project_folder();
    run(Command::new(&python)
        .arg(project.join("xtask/golden.py"))
        .args(Network::ALL.map(fetch::onnx_path))
        .arg(project.join("samples/astronaut.png"))
        .arg(project.join("tests/golden")))
}
