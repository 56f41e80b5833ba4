//! `cameo serve`: the API and its workers.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use cameo_tasks::{Store, now, reconcile};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::data::Folder;
use super::log;
use crate::accounts::keys::{self, Key};
use crate::accounts::password;
use crate::config::serve::ServeArgs;
use crate::error::{Error, Result};
use crate::http::{self, Service};
use crate::worker::{Supervisor, supervise};

/// A token key from the environment, for several servers that share one; older ones follow after commas.
const SECRET: &str = "CAMEO_TOKEN_SECRET";

const DEMO_ADDRESS: &str = "127.0.0.1:8000";
const DEMO_USER: &str = "test_user";
const DEMO_PASSWORD: &str = "test_password";

/// How long a demo waits for its engine before it answers.
const DEMO_START: Duration = Duration::from_secs(60);

/// How often leases, expiry and keys are looked at.
const PERIOD: Duration = Duration::from_secs(1);
/// How often files are compared with tasks, in periods.
const RECONCILE_EVERY: u32 = 30;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Configuration file: flags by their long names, as TOML
    #[arg(long, value_name = "FILE", env = "CAMEO_CONFIG")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    serve: ServeArgs,
}

pub fn run(args: Args) -> Result<ExitCode> {
    log::start(&args.serve.work.log)?;
    let mut args = args.serve;
    if args.demo {
        args.listen = DEMO_ADDRESS.parse().map_err(|error| Error::BadRecipe(format!("{DEMO_ADDRESS}: {error}")))?;
    }
    // A demo's data is gone when it ends.
    let temporary = (args.demo && args.work.data.is_none()).then(tempfile::tempdir).transpose();
    let temporary = temporary.map_err(|error| Error::file("make", &std::env::temp_dir(), error))?;
    let path = temporary.as_ref().map_or_else(|| args.work.data_folder(), |folder| folder.path().to_path_buf());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::Engine { engine: "runtime", reason: error.to_string() })?;
    let done = runtime.block_on(serve(args, &path));
    // A read of standard input or a password check may still be at work; nobody waits for it.
    runtime.shutdown_timeout(Duration::from_secs(1));
    done.map(|()| ExitCode::SUCCESS)
}

async fn serve(args: ServeArgs, path: &std::path::Path) -> Result<()> {
    let folder = Folder::open(path)?;
    let lock = folder.lock()?;
    let stored = |error: cameo_tasks::Error| Error::file("use the data folder", path, error);
    users(&args, &folder).await?;
    for worker in folder.store.workers().await.map_err(stored)? {
        // Left by a server that was killed: its workers ended with it.
        folder.store.gone(&worker.id).await.map_err(stored)?;
        folder.store.abandon(&worker.id, now()).await.map_err(stored)?;
    }
    let swept = reconcile(&*folder.store, &folder.blobs, Duration::ZERO).await.map_err(stored)?;
    let listener = TcpListener::bind(args.listen).await;
    let listener = listener.map_err(|error| Error::BadRecipe(format!("cannot listen on {}: {error}", args.listen)))?;
    let address = listener.local_addr().map_err(|error| Error::BadRecipe(error.to_string()))?;
    let service = Service::new(folder.store.clone(), folder.blobs.clone(), read_keys(&folder)?, args.clone());
    http::check(&args)?;

    let (stop, stopped) = watch::channel(false);
    let supervisor = Arc::new(Supervisor {
        program: program()?,
        arguments: std::iter::once("work".into()).chain(args.work.arguments(path)).collect(),
        store: folder.store.clone(),
        lease: args.work.lease(),
        stop_limit: Duration::from_secs(args.shutdown_timeout.into()),
        replaced: Box::new({
            let service = service.clone();
            move || service.count_restart()
        }),
    });
    let workers: Vec<_> =
        (0..args.workers).map(|_| tokio::spawn(supervise(supervisor.clone(), stopped.clone()))).collect();
    let scheme = if args.tls_cert.is_some() { "https" } else { "http" };
    tracing::info!(orphans = swept.len(), "listening on {scheme}://{address}, data in {}", path.display());
    if args.demo {
        let login = format!("{DEMO_USER} / {DEMO_PASSWORD}");
        tracing::info!("a demo: log in as {login}; see {scheme}://{address}/docs");
    }
    if args.demo {
        // Who connects now waits a moment, instead of being told that no engine is ready: the examples work at once.
        let ready = tokio::time::timeout(DEMO_START, until_ready(&*folder.store));
        tokio::select! { _ = ready => {}, () = signal() => {} }
    }
    let keeping = tokio::spawn(keep(service.clone(), folder, args));
    let served = http::serve(service, listener, signal()).await;
    tracing::info!("stopping");
    let _ = stop.send(true);
    for worker in workers {
        let _ = worker.await;
    }
    keeping.abort();
    drop(lock);
    served
}

/// This program, even if its file has been replaced by another version meanwhile.
fn program() -> Result<PathBuf> {
    if cfg!(target_os = "linux") {
        return Ok("/proc/self/exe".into());
    }
    std::env::current_exe().map_err(|error| Error::BadRecipe(format!("the program does not find itself: {error}")))
}

/// Ends when a worker has passed its self-test.
async fn until_ready(store: &dyn Store) {
    while !store.workers().await.unwrap_or_default().iter().any(|worker| worker.ready) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Whether anybody may log in; a demo makes its own user.
async fn users(args: &ServeArgs, folder: &Folder) -> Result<()> {
    let stored = |error: cameo_tasks::Error| Error::file("use the data folder", &folder.path, error);
    if args.demo && folder.store.user_named(DEMO_USER).await.map_err(stored)?.is_none() {
        let hash = password::hash(DEMO_PASSWORD)?;
        folder.store.add_user(DEMO_USER, &hash, true, now()).await.map_err(stored)?;
    }
    let users = folder.store.users().await.map_err(stored)?;
    if !users.iter().any(|user| !user.disabled && (args.demo || !user.demo)) {
        let data = folder.path.display();
        tracing::warn!(
            "nobody can log in: add a user with `cameo user add NAME --data {data}`, while this runs or before"
        );
    }
    Ok(())
}

/// The keys of the environment, else those of the data folder.
fn read_keys(folder: &Folder) -> Result<Vec<Key>> {
    match std::env::var(SECRET) {
        Ok(secrets) if !secrets.is_empty() => {
            secrets.split(',').map(|secret| Key::from_secret(secret.trim())).collect()
        }
        _ => keys::open(&folder.keys(), now()),
    }
}

/// Ends leases that ran out, expires results, removes orphans and takes rotated keys; never ends.
async fn keep(service: Arc<Service>, folder: Folder, args: ServeArgs) {
    let store: &Arc<dyn Store> = &folder.store;
    let grace = Duration::from_secs(u64::from(args.upload_timeout) + u64::from(args.body_timeout));
    let mut period: u32 = 0;
    loop {
        tokio::time::sleep(PERIOD).await;
        period = period.wrapping_add(1);
        let done = async {
            let reaped = store.reap(now()).await?;
            let ago = |secs: u32| now() - i64::from(secs) * 1000;
            let expired = store.expire(ago(args.keep_results), ago(args.keep_tasks.max(args.keep_results))).await?;
            if reaped + expired > 0 || period.is_multiple_of(RECONCILE_EVERY) {
                let swept = reconcile(&**store, &folder.blobs, grace).await?;
                if reaped + expired > 0 || !swept.is_empty() {
                    tracing::info!(reaped, expired, removed = swept.len(), "kept house");
                }
            }
            Ok::<_, cameo_tasks::Error>(())
        };
        if let Err(error) = done.await {
            tracing::error!(%error, "the store cannot be kept in order");
        }
        match read_keys(&folder) {
            Ok(keys) => service.renew_keys(keys),
            Err(error) => tracing::error!(%error, "the token keys cannot be read: those of before stay"),
        }
    }
}

/// Ends at SIGTERM or SIGINT.
pub async fn signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
