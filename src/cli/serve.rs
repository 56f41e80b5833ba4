//! `cameo serve`: the API and its workers.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use cameo_service::http::{self, AppState};
use cameo_service::secrets::password;
use cameo_service::worker::{Supervisor, requeue_after_restart, supervise};
use cameo_store::{now, reconcile};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::args::ServeArgs;
use super::data::{DataFolder, host_name};
use super::error::{CliError, Result};
use super::log;
use super::maintenance::{self, Retention, read_signing_keys};
use super::shutdown::StopSignals;

const DEMO_ADDRESS: ([u8; 4], u16) = ([127, 0, 0, 1], 8000);
const DEMO_USER: &str = "test_user";
const DEMO_PASSWORD: &str = "test_password";

/// How long a demo waits for its engine before it accepts connections.
const DEMO_START: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
pub struct ServeCommandArgs {
    /// Configuration file: flags by their long names, as TOML
    #[arg(long, value_name = "FILE", env = "CAMEO_CONFIG")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    serve: ServeArgs,
}

pub fn run(args: ServeCommandArgs) -> Result<ExitCode> {
    let mut args = args.serve;
    let _log = log::start(&args.worker.log)?;
    #[cfg(unix)]
    raise_file_limit(&mut args);
    if args.demo {
        args.listen = DEMO_ADDRESS.into();
    }
    // The data of a demo is deleted when it ends.
    let temporary = (args.demo && args.worker.data.is_none()).then(tempfile::tempdir).transpose();
    let temporary = temporary.map_err(|error| CliError::file("create a folder in", &std::env::temp_dir(), error))?;
    let path = temporary.as_ref().map_or_else(|| args.worker.data_folder(), |folder| folder.path().to_path_buf());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(CliError::Runtime)?;
    let result = runtime.block_on(serve(args, &path));
    // A read of standard input or a password check may still run; nobody waits for it.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result.map(|()| ExitCode::SUCCESS)
}

/// Raises the limit on open files to the most that the system allows, and fits the connections to it.
#[cfg(unix)]
fn raise_file_limit(args: &mut ServeArgs) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    /// Files that the server needs besides its connections and the files of their photos and results.
    const RESERVE: u64 = 128;
    let limit = getrlimit(Resource::Nofile);
    // Without a hard limit, the system has one of its own that is not told.
    let wanted = limit.maximum.unwrap_or(1 << 16);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum });
    let files = if raised.is_ok() { wanted } else { limit.current.unwrap_or(wanted) };
    let connections = (files.saturating_sub(RESERVE) / 2).max(1);
    if u64::from(args.max_connections) > connections {
        tracing::warn!(connections, files, "the limit on open files allows fewer connections: raise `ulimit -n`");
        args.max_connections = connections as u32;
    }
}

async fn serve(args: ServeArgs, path: &Path) -> Result<()> {
    let settings = args.settings().map_err(CliError::Usage)?;
    // At SIGHUP, a server with a certificate reads it again.
    let mut signals = match settings.tls {
        Some(_) => StopSignals::but_hang_up(),
        None => StopSignals::all(),
    };
    let folder = DataFolder::open(path)?;
    let _lock = folder.lock()?;
    folder.check_writable()?;
    http::check(&settings)?;
    prepare_users(&args, &folder).await?;
    recover(&folder).await?;
    let keys = read_signing_keys(&folder)?;
    let scheme = if settings.tls.is_some() { "https" } else { "http" };
    let listener = listen(&args, scheme).await?;
    let state = AppState::new(folder.store.clone(), folder.blobs.clone(), keys, settings);

    let (stop, stopped) = watch::channel(false);
    let workers = start_workers(&args, &folder, &state, &stopped)?;
    if args.demo {
        // Connections wait in the backlog until then, instead of being told that no engine is ready.
        let ready = tokio::time::timeout(DEMO_START, worker_ready(&state));
        tokio::select! { _ = ready => {}, () = signals.received() => {} }
    }
    let maintenance = tokio::spawn(maintenance::run(state.clone(), folder, retention(&args)));
    let served = http::serve(state, listener, signals.received()).await;
    tracing::info!("stopping");
    let _ = stop.send(true);
    for worker in workers {
        // A supervisor that panicked has nothing left to stop.
        let _ = worker.await;
    }
    maintenance.abort();
    Ok(served?)
}

/// Opens the port, and logs where the service is.
async fn listen(args: &ServeArgs, scheme: &str) -> Result<TcpListener> {
    let failed = |error: std::io::Error| {
        CliError::Usage(format!("cannot listen on {}: {error}: choose another --listen", args.listen))
    };
    let listener = TcpListener::bind(args.listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    tracing::info!("listening on {scheme}://{address}");
    if args.demo {
        tracing::info!(
            "demo: log in as {DEMO_USER} / {DEMO_PASSWORD}; the API is documented at {scheme}://{address}/docs"
        );
    }
    Ok(listener)
}

/// Cleans up after a server that was killed.
async fn recover(folder: &DataFolder) -> Result<()> {
    requeue_after_restart(&*folder.store, &host_name()).await?;
    // This server has the folder locked, and only servers store photos: none is being uploaded now.
    let removed = reconcile(&*folder.store, &folder.blobs, Duration::ZERO).await?;
    tracing::info!(removed = removed.len(), "using the data in {}", folder.path.display());
    Ok(())
}

/// Starts a supervisor for each worker process.
fn start_workers(
    args: &ServeArgs,
    folder: &DataFolder,
    state: &Arc<AppState>,
    stopped: &watch::Receiver<bool>,
) -> Result<Vec<JoinHandle<()>>> {
    let supervisor = Arc::new(Supervisor {
        program: program()?,
        arguments: vec!["work".into(), "--supervised".into()],
        environment: args.worker.environment(&folder.path),
        store: folder.store.clone(),
        lease: args.worker.lease(),
        stop_limit: Duration::from_secs(args.shutdown_timeout.into()),
        on_replace: Box::new({
            let state = state.clone();
            move || state.count_worker_restart()
        }),
    });
    Ok((0..args.workers).map(|_| tokio::spawn(supervise(supervisor.clone(), stopped.clone()))).collect())
}

fn retention(args: &ServeArgs) -> Retention {
    let seconds = |secs: u32| Duration::from_secs(secs.into());
    Retention {
        results: seconds(args.keep_results),
        tasks: seconds(args.keep_tasks.max(args.keep_results)),
        lease: args.worker.lease(),
        uploads: seconds(args.upload_timeout) + seconds(args.body_timeout),
    }
}

/// Returns the path of this program, even if its file has been replaced by another version since it was started.
fn program() -> Result<PathBuf> {
    if cfg!(target_os = "linux") {
        return Ok("/proc/self/exe".into());
    }
    std::env::current_exe().map_err(|error| CliError::Usage(format!("the program cannot find its own file: {error}")))
}

/// Completes when a worker has passed its self-test.
async fn worker_ready(state: &AppState) {
    while !state.ready_workers().await.is_ok_and(|count| count > 0) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Creates the demo's user, and warns if nobody can log in.
async fn prepare_users(args: &ServeArgs, folder: &DataFolder) -> Result<()> {
    let store = &folder.store;
    if args.demo && store.user_named(DEMO_USER).await?.is_none() {
        store.add_user(DEMO_USER, &password::hash(DEMO_PASSWORD)?, true, now()).await?;
    }
    let users = store.users().await?;
    if !users.iter().any(|user| !user.disabled && (args.demo || !user.demo)) {
        let data = folder.path.display();
        tracing::warn!("nobody can log in: add a user with `cameo user add NAME --data {data}`, now or later");
    }
    Ok(())
}
