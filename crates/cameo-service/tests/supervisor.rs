//! A supervisor whose workers are shell scripts.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ffi::OsString;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use cameo_service::worker::{Supervisor, supervise};
use cameo_store::Sqlite;
use tokio::sync::watch;
use tokio::task::JoinHandle;

const LEASE: Duration = Duration::from_millis(500);

/// Sends a heartbeat in a script.
const BEAT: &str = "printf '\\006'";

/// A supervised worker, in a folder with its store.
struct Supervised {
    folder: tempfile::TempDir,
    replaced: Arc<AtomicU32>,
    stop: watch::Sender<bool>,
    ended: JoinHandle<()>,
}

impl Supervised {
    /// Starts a worker that runs `script` in its folder.
    fn start(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let replaced = Arc::new(AtomicU32::new(0));
        let counter = replaced.clone();
        let supervisor = Supervisor {
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), format!("cd \"$CAMEO_DATA\"; {script}").into()],
            environment: vec![("CAMEO_DATA", OsString::from(folder.path()))],
            store: Arc::new(Sqlite::open(&folder.path().join("cameo.sqlite")).unwrap()),
            lease: LEASE,
            stop_limit: Duration::from_secs(60),
            on_replace: Box::new(move || {
                counter.fetch_add(1, Ordering::Relaxed);
            }),
        };
        let (stop, stopped) = watch::channel(false);
        let ended = tokio::spawn(supervise(Arc::new(supervisor), stopped));
        Self { folder, replaced, stop, ended }
    }

    fn replaced(&self) -> u32 {
        self.replaced.load(Ordering::Relaxed)
    }

    async fn wait_until_replaced(&self) {
        for _ in 0..600 {
            if self.replaced() > 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the worker was not replaced");
    }

    async fn stop(&mut self) {
        self.stop.send(true).unwrap();
        tokio::time::timeout(Duration::from_secs(30), &mut self.ended).await.expect("it stops").unwrap();
    }
}

#[tokio::test]
async fn a_worker_whose_heartbeats_stop_is_replaced() {
    let worker = Supervised::start(&format!("{BEAT}; exec sleep 1000"));
    worker.wait_until_replaced().await;
}

#[tokio::test]
async fn text_is_no_heartbeat() {
    let worker = Supervised::start(&format!("{BEAT}; while sleep 0.1; do echo text; done"));
    worker.wait_until_replaced().await;
}

#[tokio::test]
async fn a_worker_that_ends_is_replaced() {
    let worker = Supervised::start(&format!("{BEAT}; sleep 0.2"));
    worker.wait_until_replaced().await;
}

#[tokio::test]
async fn a_worker_with_heartbeats_is_kept_whatever_the_state_of_the_store() {
    let worker = Supervised::start(&format!("while {BEAT}; do sleep 0.1; done"));
    let other = rusqlite::Connection::open(worker.folder.path().join("cameo.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    tokio::time::sleep(4 * LEASE).await;
    other.execute_batch("ROLLBACK; DROP TABLE workers").unwrap();
    tokio::time::sleep(4 * LEASE).await;
    assert_eq!(worker.replaced(), 0);
}

#[tokio::test]
async fn a_worker_that_is_not_ready_yet_has_more_time() {
    let worker = Supervised::start(&format!("sleep 2; touch ready; while {BEAT}; do sleep 0.1; done"));
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(worker.replaced(), 0);
    assert!(worker.folder.path().join("ready").exists());
}

#[tokio::test]
async fn a_worker_stops_when_its_input_is_closed() {
    let mut worker = Supervised::start(&format!("(while {BEAT}; do sleep 0.1; done) & cat; touch stopped; kill $!"));
    tokio::time::sleep(2 * LEASE).await;
    let stopped = worker.folder.path().join("stopped");
    assert!(!stopped.exists());
    worker.stop().await;
    assert!(stopped.exists() && worker.replaced() == 0);
}
