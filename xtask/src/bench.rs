//! `cargo xtask bench`: Cameo's times and memory beside what users get today; `benches/README.md` explains.

use std::process::Command;

use cameo_models::Network;

use crate::{cargo, fetch, project_folder, quality, run, target_folder};

#[derive(Clone, Copy, clap::Args)]
pub struct Args {
    /// What to compare with
    #[arg(long, value_enum)]
    against: Other,
    /// Processes of each side for each figure; the median counts
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: u16,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Other {
    /// The same weights by onnxruntime, everything else by Pillow
    Onnxruntime,
}

pub fn bench(args: Args) -> Result<(), String> {
    let Other::Onnxruntime = args.against;
    let project = project_folder();
    if !quality::has_fixtures() {
        return Err("the fixtures in ../shared are not beside the project: put them there, then try again".into());
    }
    // As the tests build it: `cargo build` picks other features of what the tests need too, and compiles all of ours anew.
    run(cargo(&project).args(["test", "--release", "--workspace", "--no-run", "--quiet"]))?;
    fetch::fetch()?;
    let mut script = Command::new(quality::plain_way()?);
    script
        .arg(project.join("xtask/bench/against.py"))
        .arg(target_folder().join("release/cameo"))
        .arg(project.join("../shared"))
        .arg(project.join("benches/README.md"))
        .arg(target_folder().join("bench"))
        .arg("--isnet")
        .arg(fetch::path(Network::IsNet))
        .arg("--u2netp")
        .arg(fetch::path(Network::U2NetP))
        .args(["--rounds", &args.rounds.to_string()])
        .env("CAMEO_MODELS", project.join("models"));
    run(&mut script)
}
