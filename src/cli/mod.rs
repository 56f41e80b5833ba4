//! The commands: one file each. Only here is it known which engine runs.

mod batch;
mod combo;
mod cutout;
mod doctor;
mod engine;
mod enhance;
mod files;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Cuts portraits out of their background and enhances them, on the GPU or the CPU.
#[derive(Debug, Parser)]
#[command(name = "cameo", version, about, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Cut out, then enhance: the main job
    Combo(combo::Args),
    /// Cut out at the photo's size
    Cutout(cutout::Args),
    /// Enlarge and sharpen; the background stays
    Enhance(enhance::Args),
    /// Show adapters, models and the engine that would run, and test it
    Doctor(doctor::Args),
}

/// Runs the command that was given.
pub fn run(cli: Cli) -> ExitCode {
    let done = match cli.command {
        Command::Combo(args) => combo::run(args),
        Command::Cutout(args) => cutout::run(args),
        Command::Enhance(args) => enhance::run(args),
        Command::Doctor(args) => doctor::run(args),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}
