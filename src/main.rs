//! The command line's front door.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    cameo::cli::run(cameo::cli::Cli::parse())
}
