//! `cameo work`: a worker process; `cameo serve` starts its own.

use std::process::ExitCode;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::sync::watch;

use super::{data, engine, log};
use crate::config::serve::WorkArgs;
use crate::error::{Error, Result};
use crate::pipeline::{self, Handle, Job, Recipe};
use crate::worker::{self, EXIT_ENGINE, Plan};

/// Added to the nice value: the API answers before the engine computes.
#[cfg(unix)]
const NICENESS: i32 = 15;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Its name among the workers
    #[arg(long, default_value_t = uuid::Uuid::new_v4().to_string(), hide_default_value = true)]
    id: String,
    /// Configuration file: flags by their long names, as TOML
    #[arg(long, value_name = "FILE", env = "CAMEO_CONFIG")]
    pub config: Option<std::path::PathBuf>,
    #[command(flatten)]
    work: WorkArgs,
}

pub fn run(args: Args) -> Result<ExitCode> {
    log::start(&args.work.log)?;
    #[cfg(unix)]
    let _ = rustix::process::nice(NICENESS);
    let engine = match open(&args.work) {
        Ok(engine) => engine,
        Err(error) => {
            tracing::error!(%error, "no engine");
            return Ok(ExitCode::from(EXIT_ENGINE as u8));
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::Engine { engine: "runtime", reason: error.to_string() })?;
    let done = runtime.block_on(async {
        let folder = data::Folder::open(&args.work.data_folder())?;
        let plan = Plan {
            id: args.id,
            store: folder.store,
            blobs: folder.blobs,
            engine,
            bounds: args.work.bounds.bounds(),
            budget: args.work.bounds.budget(),
            lease: args.work.lease(),
            task_timeout: Duration::from_secs(args.work.task_timeout.into()),
        };
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(async move {
            until_told().await;
            let _ = stop.send(true);
        });
        worker::run(plan, stopped).await
    });
    if let Err(error) = done {
        tracing::error!(%error, "the worker ends");
        std::process::exit(EXIT_ENGINE);
    }
    // The engine's thread may still be at work for a task that was cancelled.
    std::process::exit(0);
}

/// An engine that has passed its self-test, with the default networks loaded and nothing left to compile.
fn open(args: &WorkArgs) -> Result<Handle> {
    let networks = Recipe::new(Job::Combo).networks();
    let engine = engine::open(&args.engine, networks, usize::MAX, |line| tracing::info!("{line}"))?;
    let line = pipeline::self_test(&engine)?;
    tracing::info!("self-test passed: {line}");
    pipeline::warm_up(&engine)?;
    Ok(engine)
}

/// Ends when the server that started it is gone or closes its standard input, or at a signal.
async fn until_told() {
    let server = async {
        // A worker that was started by hand has a terminal or nothing there, and stays.
        use std::io::IsTerminal;
        if std::io::stdin().is_terminal() {
            std::future::pending::<()>().await;
        }
        let mut input = tokio::io::stdin();
        let mut byte = [0; 64];
        while matches!(input.read(&mut byte).await, Ok(1..)) {}
    };
    tokio::select! {
        () = server => {}
        () = super::serve::signal() => {}
    }
}
