//! `cargo xtask bench`: compares Cameo with Python programs; `benches/README.md` explains the figures.

use std::process::Command;

use cameo_models::Network;

use crate::process::run;
use crate::{fetch, project_folder, python, quality, target_folder};

#[derive(Clone, Copy, clap::Args)]
pub struct BenchArgs {
    /// The baseline to compare with
    #[arg(long, value_enum)]
    against: Baseline,
    /// Processes to start on each side for a figure, which is their median
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: u16,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Baseline {
    /// Runs the same weights with onnxruntime, and everything else with Pillow
    Onnxruntime,
    /// Runs the networks alone with the same weights, with OpenVINO and onnxruntime
    Openvino,
}

/// The packages that the comparison of the networks imports.
const NETWORK_PACKAGES: [&str; 3] = ["numpy==1.26.4", "onnxruntime==1.32.0", "openvino==2026.4.0"];

pub fn bench(args: BenchArgs) -> Result<(), String> {
    let project = project_folder();
    let scripts = project.join("xtask/bench");
    let mut script = match args.against {
        Baseline::Onnxruntime => {
            let data = quality::data_folder()?;
            let mut script = Command::new(quality::baseline_python()?);
            script.arg(scripts.join("against.py")).arg(quality::build_cameo()?).arg(data);
            script
        }
        Baseline::Openvino => {
            let mut script = Command::new(python::with("networks", &NETWORK_PACKAGES)?);
            script.arg(scripts.join("networks.py")).arg(quality::build_cameo()?);
            script
        }
    };
    fetch::fetch()?;
    script
        .arg(project.join("benches/README.md"))
        .arg(target_folder().join("bench"))
        .arg("--isnet")
        .arg(fetch::published_file(Network::IsNet))
        .arg("--u2netp")
        .arg(fetch::published_file(Network::U2NetP))
        .args(["--rounds", &args.rounds.to_string()])
        .env("CAMEO_MODELS", project.join("models"));
    run(&mut script)
}
