//! Keeps worker processes alive: a worker that ends, hangs or does not become ready is replaced, with back-off.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cameo_store::{Store, now};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use uuid::Uuid;

use crate::heartbeats::HeartbeatMonitor;
use crate::secrets::SECRET_VARIABLE;

/// Wait before a worker is replaced. It doubles each time, until a worker becomes ready. What ends a worker that was
/// ready is probably its task, whose retries have delays of their own.
const MIN_WAIT: Duration = Duration::from_millis(250);
const MAX_WAIT: Duration = Duration::from_secs(30);

/// How often a worker is checked.
const CHECK_PERIOD: Duration = Duration::from_millis(250);

/// Time that a worker has to become ready: it may have to compile the kernels of a GPU.
const START_LIMIT: Duration = Duration::from_secs(600);

/// How workers are started, watched and stopped.
pub struct Supervisor {
    pub program: PathBuf,
    /// All arguments but the worker's id.
    pub arguments: Vec<OsString>,
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

impl Supervisor {
    fn start(&self, id: &str) -> std::io::Result<Child> {
        let mut command = Command::new(&self.program);
        #[cfg(unix)]
        command.arg0("cameo");
        command
            .args(&self.arguments)
            .arg(format!("--id={id}"))
            // Workers decode files from strangers, and need no keys.
            .env_remove(SECRET_VARIABLE)
            // The worker stops when it is closed, which the system does even if the server is killed.
            .stdin(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
    }

    /// Waits until the worker has ended, by itself or because it had to. Returns whether it has been ready.
    async fn watch(&self, id: &str, child: &mut Child, stop: &mut watch::Receiver<bool>) -> bool {
        let began = Instant::now();
        let mut was_ready = false;
        let heartbeats = HeartbeatMonitor::default();
        // Taken out of the child, because waiting for a child closes its standard input.
        let input = child.stdin.take();
        loop {
            tokio::select! {
                ended = child.wait() => {
                    tracing::info!(worker = id, status = ?ended.ok(), "a worker has ended");
                    return was_ready;
                }
                () = tokio::time::sleep(CHECK_PERIOD) => {}
                _ = stop.changed() => {
                    drop(input);
                    self.stop(child).await;
                    return was_ready;
                }
            }
            // The store may be unavailable for a moment: then the worker is checked again later.
            let Ok(workers) = self.store.workers().await else { continue };
            let registered = workers.into_iter().find(|worker| worker.id == id);
            was_ready |= registered.is_some();
            let hangs = match registered {
                Some(worker) => heartbeats.age(&worker) > self.lease,
                None => began.elapsed() > START_LIMIT,
            };
            if hangs {
                tracing::error!(worker = id, "a worker hangs and is killed");
                let _ = child.kill().await;
                return was_ready;
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
