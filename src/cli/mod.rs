//! The commands: one file each. Only here is it known which engine runs.

mod batch;
mod bench;
mod combo;
mod cutout;
mod data;
mod doctor;
mod engine;
mod enhance;
mod files;
mod log;
mod plan;
mod serve;
mod user;
mod work;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::file;

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
    /// Measure what each stage costs on this machine
    Bench(bench::Args),
    /// Run the API and its workers
    Serve(Box<serve::Args>),
    /// Run one more worker on the same data
    Work(Box<work::Args>),
    /// Say who may use the API
    User(user::Args),
}

impl Cli {
    /// The command line; what a configuration file says goes behind it.
    pub fn read() -> Self {
        let cli = Self::parse();
        let (name, file) = match &cli.command {
            Command::Serve(args) => ("serve", args.config.clone()),
            Command::Work(args) => ("work", args.config.clone()),
            _ => return cli,
        };
        let Some(file) = file else { return cli };
        let mut wrong = None;
        let command = Self::command().mut_subcommand(name, |command| {
            file::apply(command.clone(), &file).unwrap_or_else(|error| {
                wrong = Some(error);
                command
            })
        });
        if let Some(error) = wrong {
            Self::command().error(clap::error::ErrorKind::ValueValidation, error).exit();
        }
        Self::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
    }
}

/// Runs the command that was given.
pub fn run(cli: Cli) -> ExitCode {
    let done = match cli.command {
        Command::Combo(args) => combo::run(args),
        Command::Cutout(args) => cutout::run(args),
        Command::Enhance(args) => enhance::run(args),
        Command::Doctor(args) => doctor::run(args),
        Command::Bench(args) => bench::run(args),
        Command::Serve(args) => serve::run(*args),
        Command::Work(args) => work::run(*args),
        Command::User(args) => user::run(args),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}
