//! `cargo xtask golden`: the goldens of the networks, made anew by the runtimes they were published for.

use std::process::Command;

use cameo_models::Network;

use crate::{fetch, project_folder, python, run};

/// What `golden.py` imports; pinned, as goldens are compared to the last bit that matters.
const ONNX: [&str; 4] = ["onnxruntime==1.32.0", "onnx==1.23.2", "numpy==1.26.4", "pillow==13.0.0"];

/// What `golden_selfie.py` imports; apart, as MediaPipe needs an older protobuf than onnx.
const MEDIAPIPE: [&str; 4] = ["mediapipe==0.10.14", "protobuf==4.25.8", "numpy==1.26.4", "pillow==13.0.0"];

pub fn golden() -> Result<(), String> {
    fetch::fetch()?;
    let project = project_folder();
    let photo = project.join("samples/astronaut.png");
    let folder = project.join("tests/golden");
    run(Command::new(python::with("golden", &ONNX)?)
        .arg(project.join("xtask/golden.py"))
        .args(Network::MATTING.map(fetch::path))
        .arg(&photo)
        .arg(&folder))?;
    run(Command::new(python::with("golden-selfie", &MEDIAPIPE)?)
        .arg(project.join("xtask/golden_selfie.py"))
        .arg(&photo)
        .arg(&folder))
}
