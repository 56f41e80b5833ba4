//! `cargo xtask golden`: recreates the golden pictures with the runtimes that the networks were published for.

use std::process::Command;

use cameo_models::Network;

use crate::process::run;
use crate::{fetch, project_folder, python};

/// The packages that `golden.py` imports, pinned because tests compare with the goldens closely.
const ONNX_PACKAGES: [&str; 4] = ["onnxruntime==1.32.0", "onnx==1.23.2", "numpy==1.26.4", "pillow==13.0.0"];

/// The packages that `golden_selfie.py` imports. They are a separate environment because MediaPipe needs an older
/// protobuf than onnx.
const MEDIAPIPE_PACKAGES: [&str; 4] = ["mediapipe==0.10.14", "protobuf==4.25.8", "numpy==1.26.4", "pillow==13.0.0"];

pub fn golden() -> Result<(), String> {
    fetch::fetch()?;
    let project = project_folder();
    let photo = project.join("samples/astronaut.png");
    let goldens = project.join("tests/golden");
    let self_test = project.join("models/selftest");
    run(Command::new(python::with("golden", &ONNX_PACKAGES)?)
        .arg(project.join("xtask/golden.py"))
        .args(Network::MATTING.map(fetch::published_file))
        .arg(&photo)
        .arg(&goldens)
        .arg(&self_test))?;
    run(Command::new(python::with("golden-selfie", &MEDIAPIPE_PACKAGES)?)
        .arg(project.join("xtask/golden_selfie.py"))
        .arg(&photo)
        .arg(&self_test))
}
