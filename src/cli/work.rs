//! `cameo work`: one worker process. `cameo serve` starts its own.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use cameo_core::pipeline::{self, EngineHandle, Operation, Recipe};
use cameo_service::worker::{self, EXIT_ENGINE, WorkerContext};
use tokio::sync::watch;

use super::args::WorkerArgs;
use super::data::{DataFolder, host_name};
use super::error::{CliError, Result};
use super::shutdown::StopSignals;
use super::{engine, log};

/// Added to the nice value, so that the API answers before the engine computes.
#[cfg(unix)]
const NICENESS: i32 = 15;

#[derive(Debug, clap::Args)]
pub struct WorkCommandArgs {
    /// The worker's id in the list of workers
    #[arg(long, default_value_t = uuid::Uuid::new_v4().to_string(), hide_default_value = true)]
    id: String,
    /// A server started this worker: it sends heartbeats through its standard output, and stops when its standard input
    /// is closed
    #[arg(long, hide = true)]
    supervised: bool,
    /// Configuration file: flags by their long names, as TOML
    #[arg(long, value_name = "FILE", env = "CAMEO_CONFIG")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    worker: WorkerArgs,
}

pub fn run(args: WorkCommandArgs) -> Result<ExitCode> {
    let log = log::start(&args.worker.log)?;
    // A process that cannot lower its own priority runs at the normal one.
    #[cfg(unix)]
    let _ = rustix::process::nice(NICENESS);
    let engine = match open_engine(&args.worker) {
        Ok(engine) => engine,
        Err(error) => {
            tracing::error!(%error, "the engine cannot be used");
            drop(log);
            return Ok(ExitCode::from(EXIT_ENGINE as u8));
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CliError::Runtime)?;
    let supervised = args.supervised;
    let context = context(args, engine)?;
    let result = runtime.block_on(async {
        let (stop, stopped) = watch::channel(false);
        let signals = StopSignals::all();
        tokio::spawn(async move {
            stop_requested(supervised, signals).await;
            let _ = stop.send(true);
        });
        if supervised {
            tokio::spawn(worker::send_heartbeats(context.heartbeat_period()));
        }
        worker::run(context, stopped).await
    });
    if let Err(error) = result {
        tracing::error!(%error, "the worker ends");
        drop(log);
        std::process::exit(EXIT_ENGINE);
    }
    drop(log);
    // The engine's thread may still compute for a task that was cancelled; nobody waits for it.
    std::process::exit(0);
}

fn context(args: WorkCommandArgs, engine: EngineHandle) -> Result<WorkerContext> {
    let folder = DataFolder::open(&args.worker.data_folder())?;
    Ok(WorkerContext {
        id: args.id,
        server: args.supervised.then(host_name),
        store: folder.store,
        blobs: folder.blobs,
        engine,
        limits: args.worker.limits.processing_limits(),
        budget: args.worker.limits.budget(),
        lease: args.worker.lease(),
        task_timeout: Duration::from_secs(args.worker.task_timeout.into()),
    })
}

/// Opens the engine, tests the networks of all recipes, and does the one-time work of the stages.
fn open_engine(args: &WorkerArgs) -> Result<EngineHandle> {
    let networks = Recipe::new(Operation::Combo).networks();
    let engine = engine::open_and_test(&args.engine, networks, usize::MAX, |line| tracing::info!("{line}"))?;
    pipeline::warm_up(&engine)?;
    Ok(engine)
}

/// Completes when the server that started this worker ends or tells it to stop, or at a signal. The standard input of a
/// worker that was started by hand may be anything, such as `/dev/null`.
async fn stop_requested(supervised: bool, mut signals: StopSignals) {
    tokio::select! {
        () = worker::server_ended(), if supervised => {}
        () = signals.received() => {}
    }
}
