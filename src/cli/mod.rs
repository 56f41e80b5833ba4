//! The command line: one file per command. Only this module knows which engine runs, and only it uses clap.
//!
//! - `args`: flags that several commands share
//! - `combo`, `cutout`, `enhance`, over `batch`: images in, images out; `inputs`, `pattern`, `output` and `items` decide
//!   which, `files`, `paths` and `temporary` read and write them
//! - `doctor`, `bench`: what this machine has, and how fast it is
//! - `serve`, `work`, `user`: the service; `data` opens its data folder

mod args;
mod batch;
mod bench;
mod combo;
mod cutout;
mod data;
mod doctor;
mod engine;
mod enhance;
mod error;
mod files;
mod inputs;
mod items;
mod log;
mod maintenance;
mod output;
mod paths;
mod pattern;
mod report;
mod serve;
mod shutdown;
mod temporary;
mod user;
mod work;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use args::config_file;

/// Cuts portraits out of their background and enhances them, on the GPU or the CPU.
#[derive(Debug, Parser)]
#[command(name = "cameo", version, about, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Cut out and enhance: the main command
    Combo(combo::ComboArgs),
    /// Cut out at the photo's size
    Cutout(cutout::CutoutArgs),
    /// Enlarge and sharpen; the background stays
    Enhance(enhance::EnhanceCommandArgs),
    /// Show adapters, models and the engine that would run, and test it
    Doctor(doctor::DoctorArgs),
    /// Measure what each stage costs on this machine
    Bench(bench::BenchArgs),
    /// Run the API and its workers
    Serve(Box<serve::ServeCommandArgs>),
    /// Run one more worker on the same data
    Work(Box<work::WorkCommandArgs>),
    /// Manage the users of the API
    User(user::UserArgs),
}

impl Cli {
    /// Parses the command line. The values of a configuration file become the defaults of the flags.
    ///
    /// Exits the process with a message if the command line or the file is invalid, as clap does.
    pub fn read() -> Self {
        let cli = Self::parse();
        let (name, file) = match &cli.command {
            Command::Serve(args) => ("serve", args.config.clone()),
            Command::Work(args) => ("work", args.config.clone()),
            _ => return cli,
        };
        let Some(file) = file else { return cli };
        let mut invalid = None;
        let command = Self::command().mut_subcommand(name, |command| {
            config_file::apply(command.clone(), &file).unwrap_or_else(|error| {
                invalid = Some(error);
                command
            })
        });
        if let Some(error) = invalid {
            Self::command().error(clap::error::ErrorKind::ValueValidation, error).exit();
        }
        Self::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
    }
}

/// Runs the command. A failure is printed as one line on standard error.
pub fn run(cli: Cli) -> ExitCode {
    let result = match cli.command {
        Command::Combo(args) => combo::run(args),
        Command::Cutout(args) => cutout::run(args),
        Command::Enhance(args) => enhance::run(args),
        Command::Doctor(args) => Ok(doctor::run(args)),
        Command::Bench(args) => bench::run(args),
        Command::Serve(args) => serve::run(*args),
        Command::Work(args) => work::run(*args),
        Command::User(args) => user::run(args),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}
