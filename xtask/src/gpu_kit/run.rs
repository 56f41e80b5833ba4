//! Runs the steps of a part on the host.

use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::pack::{BASE, LOADER};
use super::report::{Outcome, Results, StepResult};
use super::step::{Kit, Problem, Step};
use super::steps::{self, Planned};

/// The most time that a part takes. What is not measured by then fails.
const PART_LIMIT: Duration = Duration::from_secs(240);

/// The quick check has more time: it runs on a software adapter, beside other programs.
const QUICK_FACTOR: u32 = 8;

#[derive(clap::Args)]
pub struct RunArgs {
    /// The folder of the part
    part: PathBuf,
    /// The folder that part 1 is unpacked to
    #[arg(long)]
    kit: PathBuf,
    /// Folder for the results
    #[arg(long, env = "OUT", default_value = ".")]
    results: PathBuf,
    /// Check the kit instead of measuring: small photos, one run, a few tests
    #[arg(long, env = "CAMEO_KIT_QUICK")]
    quick: bool,
    /// Let the GPU be a software adapter
    #[arg(long, env = "CAMEO_ALLOW_SOFTWARE")]
    allow_software: bool,
}

pub fn run(args: RunArgs) -> Result<(), String> {
    let is_first = args.part.join(BASE).exists();
    let number = if is_first { 1 } else { 2 };
    let factor = if args.quick { QUICK_FACTOR } else { 1 };
    let kit = Kit {
        // Programs run in another folder.
        folder: absolute(&args.kit)?,
        part: absolute(&args.part)?,
        quick: args.quick,
        allow_software: args.allow_software,
        end: Instant::now() + PART_LIMIT * factor,
        uses_packed_loader: !has_loader(),
    };
    crate::files::create_folder(&args.results)?;
    let file = |extension: &str| args.results.join(format!("gpu-kit-{number}.{extension}"));
    let (log, json) = (file("log"), file("json"));
    let mut log = File::create(&log).map_err(|error| format!("cannot write {}: {error}", log.display()))?;
    let mut results = Results { part: number, quick: args.quick, steps: Vec::new() };
    for planned in if is_first { steps::part_one() } else { steps::part_two() } {
        let result = run_step(&kit, planned, factor, &mut log);
        eprintln!("{}: {} in {:.1} s", result.step, result.outcome, result.seconds);
        results.steps.push(result);
        // If the run is interrupted, the figures so far are there.
        results.write(&json)?;
        // Each part begins by unpacking; there is nothing to measure without that.
        if results.steps.len() == 1 && !results.failed().is_empty() {
            break;
        }
    }
    println!("{}", results.table());
    match results.failed()[..] {
        [] => Ok(()),
        ref failed => Err(format!("these steps failed: {}", failed.join("; "))),
    }
}

fn run_step(kit: &Kit, planned: Planned, factor: u32, log: &mut File) -> StepResult {
    let start = Instant::now();
    let mut step = Step::new(kit, planned.limit * factor, log);
    let result = match start < kit.end {
        true => (planned.action)(&mut step),
        false => Err(Problem::Failed(format!("no time was left of {} s", (PART_LIMIT * factor).as_secs()))),
    };
    let (outcome, reason) = match result {
        Ok(()) => (Outcome::Passed, None),
        Err(Problem::Failed(reason)) => (Outcome::Failed, Some(reason)),
        Err(Problem::Skipped(reason)) => (Outcome::Skipped, Some(reason)),
    };
    let Step { figures, reports, .. } = step;
    StepResult { step: planned.name, outcome, reason, seconds: start.elapsed().as_secs_f64(), figures, reports }
}

fn absolute(path: &std::path::Path) -> Result<PathBuf, String> {
    path.canonicalize().map_err(|error| format!("cannot find {}: {error}", path.display()))
}

/// Returns whether the host has a Vulkan loader.
fn has_loader() -> bool {
    let listed = ["ldconfig", "/sbin/ldconfig"].into_iter().any(|program| {
        let output = std::process::Command::new(program).arg("-p").output();
        output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(LOADER))
    });
    let folders = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    listed || std::env::split_paths(&folders).any(|folder| folder.join(LOADER).exists())
}
