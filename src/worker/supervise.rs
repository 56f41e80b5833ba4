//! Keeps worker processes alive: one that ends, hangs or is never ready is replaced, with back-off.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cameo_tasks::{Store, now};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use uuid::Uuid;

/// Wait before a worker is replaced: doubled each time, until one has been ready. What kills a ready one is most
/// likely its task, whose retries wait by themselves.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How often a worker is looked at.
const PERIOD: Duration = Duration::from_millis(250);

/// A GPU's kernels may be compiled and tuned before a worker is ready.
const START_LIMIT: Duration = Duration::from_secs(600);

/// How workers are started and what is told of them.
pub struct Supervisor {
    pub program: PathBuf,
    /// Without the worker's id.
    pub arguments: Vec<OsString>,
    pub store: Arc<dyn Store>,
    /// A worker not heard of for so long hangs.
    pub lease: Duration,
    /// A worker that was told to stop is killed after so long.
    pub stop_limit: Duration,
    /// Called for each worker that has to be replaced.
    pub replaced: Box<dyn Fn() + Send + Sync>,
}

/// Keeps one worker alive until `stop` turns true, then ends it.
pub async fn supervise(supervisor: Arc<Supervisor>, mut stop: watch::Receiver<bool>) {
    let mut wait = FIRST_WAIT;
    while !*stop.borrow() {
        let id = Uuid::new_v4().to_string();
        let mut was_ready = false;
        match supervisor.start(&id) {
            Ok(mut child) => {
                was_ready = supervisor.watch(&id, &mut child, &mut stop).await;
                supervisor.bury(&id).await;
            }
            Err(error) => tracing::error!(%error, "a worker could not be started"),
        }
        if *stop.borrow() {
            return;
        }
        (supervisor.replaced)();
        wait = if was_ready { FIRST_WAIT } else { wait };
        tracing::warn!(wait_ms = wait.as_millis() as u64, "a worker is replaced");
        let _ = tokio::time::timeout(wait, stop.changed()).await;
        wait = (wait * 2).min(LONGEST_WAIT);
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
            // Its end tells the worker that the server is gone, however it went.
            .stdin(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
    }

    /// Returns when the worker has ended, by itself or because it had to; whether it has been ready.
    async fn watch(&self, id: &str, child: &mut Child, stop: &mut watch::Receiver<bool>) -> bool {
        let began = Instant::now();
        let mut was_ready = false;
        // Taken out: waiting for a child closes its standard input.
        let input = child.stdin.take();
        loop {
            tokio::select! {
                ended = child.wait() => {
                    tracing::info!(worker = id, status = ?ended.ok(), "a worker has ended");
                    return was_ready;
                }
                () = tokio::time::sleep(PERIOD) => {}
                _ = stop.changed() => {
                    drop(input);
                    self.stop(child).await;
                    return was_ready;
                }
            }
            let found = self.store.workers().await.unwrap_or_default().into_iter().find(|worker| worker.id == id);
            was_ready |= found.is_some();
            let hung = match found {
                Some(worker) => now() - worker.beat_at > self.lease.as_millis() as i64,
                None => began.elapsed() > START_LIMIT,
            };
            if hung {
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

    /// Gives a dead worker's task to others at once, without waiting for its lease to run out.
    async fn bury(&self, id: &str) {
        let done = async {
            self.store.gone(id).await?;
            self.store.abandon(id, now()).await
        };
        if let Err(error) = done.await {
            tracing::error!(%error, "a dead worker's task waits until its lease runs out");
        }
    }
}
