//! `cargo xtask bench`: compares Cameo's speed and memory with a Python program; `benches/README.md` explains the
//! figures.

use std::process::Command;

use cameo_models::Network;

use crate::process::run;
use crate::{fetch, project_folder, quality, target_folder};

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
}

pub fn bench(args: BenchArgs) -> Result<(), String> {
    let Baseline::Onnxruntime = args.against;
    let project = project_folder();
    let data = quality::data_folder()?;
    let cameo = quality::build_cameo()?;
    fetch::fetch()?;
    let mut script = Command::new(quality::baseline_python()?);
    script
        .arg(project.join("xtask/bench/against.py"))
        .arg(cameo)
        .arg(data)
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
