//! The `cameo` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    cameo::cli::run(cameo::cli::Cli::read())
}
