//! `cargo xtask fuzz`: runs the fuzz targets for some seconds each; `fuzz/README.md` explains them.

mod report;
mod targets;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::process::{cargo, run};
use crate::{files, project_folder, target_folder};

use report::Report;
use targets::{TARGETS, Target};

/// The flags of the compiler: each edge of the program counts itself, and comparisons report their operands.
const FLAGS: &str = "-Dwarnings --cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
                     -Cllvm-args=-sanitizer-coverage-trace-compares";

/// The memory that a target may take, with the fuzzer and its inputs, in MiB.
const MAX_MEMORY_MIB: u32 = 512;

/// Seconds on the clock after which an input counts as one that never ends. The targets themselves bound the processor
/// time.
const MAX_INPUT_SECS: u32 = 60;

/// The bytes of the largest input.
const MAX_INPUT_BYTES: u32 = 32 << 10;

#[derive(Clone, clap::Args)]
pub struct FuzzArgs {
    /// Seconds for each target
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// Begin with the seeds alone and the same random numbers, instead of what earlier runs have found
    #[arg(long)]
    repeatable: bool,
    /// The targets to run [default: all]
    targets: Vec<String>,
}

impl FuzzArgs {
    /// The arguments that the tests use.
    pub const QUICK: FuzzArgs = FuzzArgs { seconds: 10, repeatable: true, targets: Vec::new() };
}

pub fn fuzz(args: &FuzzArgs) -> Result<(), String> {
    let targets = chosen(&args.targets)?;
    let programs = build()?;
    println!("{}", Report::HEADINGS);
    let mut failed = Vec::new();
    for target in targets {
        let (report, log) = run_target(target, &programs, args)?;
        println!("{}", report.row(target.name));
        if let Some(finding) = &report.finding {
            failed.push(format!("{}: {finding}; all of its output is in {}", target.name, log.display()));
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("fuzzing has found something:\n{}", failed.join("\n"))) }
}

/// Returns the targets of these names; all, if there are none.
fn chosen(names: &[String]) -> Result<Vec<&'static Target>, String> {
    let named = |name: &String| {
        let all = || TARGETS.iter().map(|target| target.name).collect::<Vec<_>>().join(", ");
        let target = TARGETS.iter().find(|target| target.name == name);
        target.ok_or_else(|| format!("there is no fuzz target {name:?}: use some of {}", all()))
    };
    if names.is_empty() { Ok(TARGETS.iter().collect()) } else { names.iter().map(named).collect() }
}

/// Returns whether the fuzz targets can be built on this system.
pub fn is_supported() -> bool {
    cfg!(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))
}

/// Builds the targets, and returns the folder of their programs.
fn build() -> Result<PathBuf, String> {
    if !is_supported() {
        return Err("the fuzz targets need Linux on x86-64 or Arm64".into());
    }
    let machine = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let folder = target_folder().join("fuzz");
    let mut build = cargo(&project_folder().join("fuzz"));
    // With a target, cargo keeps the flags away from build scripts and macros.
    build.args(["build", "--release", "--bins", "--target", &machine, "--target-dir"]).arg(&folder);
    run(build.env("RUSTFLAGS", FLAGS))?;
    Ok(folder.join(machine).join("release"))
}

/// Runs a target. Returns its report, and the file of its output.
fn run_target(target: &Target, programs: &Path, args: &FuzzArgs) -> Result<(Report, PathBuf), String> {
    let folder = target_folder().join("fuzz/runs").join(target.name);
    let corpus = folder.join(if args.repeatable { "repeatable" } else { "corpus" });
    let (findings, log) = (folder.join("findings"), folder.join("log"));
    let temporary = temporary_folder().join(format!("cameo-fuzz-{}", std::process::id()));
    if args.repeatable {
        // It is missing before the first run.
        let _ = fs::remove_dir_all(&corpus);
    }
    for folder in [&corpus, &findings, &temporary] {
        files::create_folder(folder)?;
    }
    let mut command = Command::new(programs.join(target.name));
    command.arg(&corpus).args(target.seeds.iter().map(|seeds| project_folder().join(seeds)));
    command.arg(format!("-artifact_prefix={}/", findings.display()));
    for (flag, value) in [
        ("max_total_time", args.seconds),
        ("timeout", MAX_INPUT_SECS),
        ("rss_limit_mb", MAX_MEMORY_MIB),
        ("max_len", MAX_INPUT_BYTES),
        ("print_final_stats", 1),
        // 0 stands for a number of libFuzzer's choice.
        ("seed", args.repeatable.into()),
    ] {
        command.arg(format!("-{flag}={value}"));
    }
    let output = command.env("TMPDIR", &temporary).env("RUST_BACKTRACE", "1").stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("cannot start {}: {error}", target.name))?;
    // What is left is temporary, and not needed for a report.
    let _ = fs::remove_dir_all(&temporary);
    let text = String::from_utf8_lossy(&output.stderr);
    files::write(&log, text.as_bytes())?;
    Ok((Report::parse(&text, output.status.success()), log))
}

/// Returns the folder for the data of the service: in memory where the system has such a folder, because the service
/// waits for the disk after each write.
fn temporary_folder() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.into() } else { std::env::temp_dir() }
}
