//! Keeps worker processes alive: a worker that ends, hangs or does not become ready is replaced, with back-off.
//!
//! Whether a worker hangs is told by its pipe and the monotonic clock. The store has no say in it: an outage of the store
//! would end all workers.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use cameo_store::{Result, Store, now};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::pipes::Heartbeats;

/// Wait before a worker is replaced. It doubles each time, until a worker becomes ready. What ends a worker that was
/// ready is probably its task, whose retries have delays of their own.
const MIN_WAIT: Duration = Duration::from_millis(250);
const MAX_WAIT: Duration = Duration::from_secs(30);

/// The prefix of the names of all variables of the environment that configure Cameo.
const OWN_VARIABLES: &str = "CAMEO_";

/// What is noticed later than this was noticed by a process that had been stopped.
const MAX_LATENESS: Duration = Duration::from_secs(1);

/// Time that a worker has to become ready: it may have to compile the kernels of a GPU.
const START_LIMIT: Duration = Duration::from_secs(600);

/// How workers are started, watched and stopped.
pub struct Supervisor {
    pub program: PathBuf,
    /// All arguments but the worker's id. Every user of the machine can read them.
    pub arguments: Vec<OsString>,
    /// The variables that configure the worker. It gets no other variables of Cameo's.
    pub environment: Vec<(&'static str, OsString)>,
    pub store: Arc<dyn Store>,
    /// A worker whose last heartbeat is older hangs.
    pub lease: Duration,
    /// A worker that was told to stop is killed after this time.
    pub stop_limit: Duration,
    /// Called for each worker that has to be replaced.
    pub on_replace: Box<dyn Fn() + Send + Sync>,
}

/// Keeps one worker alive until `stop` turns true, then ends it.
pub async fn supervise(supervisor: Arc<Supervisor>, mut stop: watch::Receiver<bool>) {
    let mut wait = MIN_WAIT;
    while !*stop.borrow() {
        let id = Uuid::new_v4().to_string();
        let mut was_ready = false;
        match supervisor.start(&id) {
            Ok(mut child) => {
                was_ready = supervisor.watch(&id, &mut child, &mut stop).await;
                supervisor.requeue(&id).await;
            }
            Err(error) => tracing::error!(%error, "a worker could not be started"),
        }
        if *stop.borrow() {
            return;
        }
        (supervisor.on_replace)();
        wait = if was_ready { MIN_WAIT } else { wait };
        tracing::warn!(wait_ms = wait.as_millis() as u64, "a worker is replaced");
        let _ = tokio::time::timeout(wait, stop.changed()).await;
        wait = (wait * 2).min(MAX_WAIT);
    }
}

/// Returns the tasks of the workers that servers of this host started to the queue, and deregisters these workers.
///
/// It is called when the host's only server starts: its predecessor has ended, and its workers with it. Workers of
/// other hosts and those that were started by hand may be at work.
pub async fn requeue_after_restart(store: &dyn Store, host: &str) -> Result<()> {
    for worker in store.workers().await? {
        if worker.server.as_deref() == Some(host) {
            store.deregister(&worker.id).await?;
            store.requeue_worker_tasks(&worker.id, now()).await?;
        }
    }
    Ok(())
}

impl Supervisor {
    fn start(&self, id: &str) -> std::io::Result<Child> {
        let mut command = Command::new(&self.program);
        #[cfg(unix)]
        command.arg0("cameo");
        // Workers decode files from strangers: they get no keys, and nothing else that they do not need.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with(OWN_VARIABLES) {
                command.env_remove(name);
            }
        }
        command
            .args(&self.arguments)
            .arg(format!("--id={id}"))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
    }

    /// Waits until the worker has ended, by itself or because it had to. Returns whether it has been ready.
    async fn watch(&self, id: &str, child: &mut Child, stop: &mut watch::Receiver<bool>) -> bool {
        let mut was_ready = false;
        let mut heartbeats = Heartbeats::new(child.stdout.take());
        let mut deadline = Instant::now() + START_LIMIT;
        // Taken out of the child, because waiting for a child closes its standard input.
        let input = child.stdin.take();
        loop {
            tokio::select! {
                biased;
                ended = child.wait() => {
                    tracing::info!(worker = id, status = ?ended.ok(), "a worker has ended");
                    return was_ready;
                }
                // Before the deadline: heartbeats wait in the pipe while this process is stopped.
                () = heartbeats.next() => {
                    was_ready = true;
                    deadline = Instant::now() + self.lease;
                }
                _ = stop.changed() => {
                    drop(input);
                    self.stop(child).await;
                    return was_ready;
                }
                // What stopped this process may have stopped the worker as well.
                () = sleep_until(deadline) => if deadline.elapsed() > MAX_LATENESS {
                    deadline = Instant::now() + self.lease;
                } else {
                    tracing::error!(worker = id, "a worker hangs and is killed");
                    let _ = child.kill().await;
                    return was_ready;
                }
            }
        }
    }

    async fn stop(&self, child: &mut Child) {
        if tokio::time::timeout(self.stop_limit, child.wait()).await.is_err() {
            let _ = child.kill().await;
        }
    }

    /// Returns the tasks of a dead worker to the queue, without waiting for their leases to expire.
    async fn requeue(&self, id: &str) {
        let requeued = async {
            self.store.deregister(id).await?;
            self.store.requeue_worker_tasks(id, now()).await
        };
        if let Err(error) = requeued.await {
            tracing::error!(%error, "the tasks of a dead worker wait until their leases have expired");
        }
    }
}
