//! A server beside other processes that use the same data: other servers' workers, and those started by hand.

use std::path::PathBuf;
use std::time::Duration;

use cameo_store::{
    Accounts, Lease, NewTask, Queue, QueueLimits, Sqlite, StoreError, Submission, TaskId, Tasks, Worker, Workers, now,
};

use crate::client::{Client, photo};
use crate::common;
use crate::server::{Server, USER, cameo, signal};

const MINUTE: i64 = 60_000;

/// The store of a server, as another process opens it.
fn open_store(server: &Server) -> Sqlite {
    Sqlite::open(&server.data().join("cameo.sqlite")).unwrap()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(future)
}

/// Submits a task, and claims it as a worker that a server on the host `server` started.
async fn claim_as(store: &Sqlite, id: &str, server: Option<String>) -> Lease {
    let owner = store.user_named(USER).await.unwrap().unwrap().id;
    let (operation, recipe) = ("combo".into(), "{}".into());
    let task = NewTask { id: TaskId::new_v4(), owner, operation, recipe, pixels: 1, idempotency: None };
    let limits = QueueLimits { tasks: 9, pixels: 9, tasks_per_user: 9 };
    assert_eq!(store.submit(task, limits, now()).await.unwrap(), Submission::Accepted);
    let worker = Worker { id: id.into(), server, engine: "cpu".into(), ready: true, heartbeat_at: now() };
    store.heartbeat(&worker).await.unwrap();
    store.claim(id, None, 10 * MINUTE, now()).await.unwrap().unwrap().lease
}

#[test]
fn a_server_that_starts_cleans_up_after_its_own_workers_alone() {
    let mut server = Server::start(&[]);
    assert!(server.terminate());
    let store = open_store(&server);
    let [own, elsewhere, by_hand] = block_on(async {
        [
            claim_as(&store, "own", sysinfo::System::host_name()).await,
            claim_as(&store, "elsewhere", Some("another-host".into())).await,
            claim_as(&store, "by hand", None).await,
        ]
    });
    let upload = server.data().join("blobs/inputs").join(format!("{}#1", TaskId::new_v4()));
    std::fs::write(&upload, "the first half of a photo").unwrap();
    server.restart();
    server.wait_until_ready();
    block_on(async {
        for lease in [elsewhere, by_hand] {
            store.renew(&lease, MINUTE, 0.5, "matte", now()).await.unwrap();
        }
        let lost = store.renew(&own, MINUTE, 0.5, "matte", now()).await;
        assert!(matches!(lost, Err(StoreError::LeaseLost)), "{lost:?}");
        let workers = store.workers().await.unwrap();
        let has = |id| workers.iter().any(|worker| worker.id == id);
        assert!(!has("own") && has("elsewhere") && has("by hand"), "{workers:?}");
    });
    assert!(!upload.exists(), "no other server can be writing it");
}

#[test]
fn a_worker_that_died_long_ago_is_neither_counted_nor_kept() {
    let mut server = Server::start(&[]);
    assert!(server.terminate());
    let store = open_store(&server);
    let dead = Worker {
        id: "dead".into(),
        server: None,
        engine: "cpu".into(),
        ready: true,
        heartbeat_at: now() - 60 * MINUTE,
    };
    block_on(store.heartbeat(&dead)).unwrap();
    server.restart();
    let before = server.call("GET", "/metrics", &[], b"").text();
    assert!(before.contains("cameo_workers_ready 0"), "{before}");
    server.wait_until_ready();
    server.wait_until("forgotten", || block_on(store.workers()).unwrap().iter().all(|worker| worker.id != "dead"));
}

#[test]
fn a_worker_started_by_hand_needs_no_standard_input() {
    let server = Server::start(&[]);
    let mut command = cameo();
    command.arg("work").arg("--data").arg(server.data()).stderr(std::process::Stdio::null());
    let mut worker = command.spawn().unwrap();
    let metrics = || server.call("GET", "/metrics", &[], b"").text();
    server.wait_until("two workers", || metrics().contains("cameo_workers_ready 2"));
    std::thread::sleep(Duration::from_secs(1));
    assert!(worker.try_wait().unwrap().is_none(), "/dev/null is no reason to stop");
    signal(worker.id(), "TERM");
    assert!(worker.wait().unwrap().success());
}

#[test]
fn a_locked_database_costs_neither_a_worker_nor_a_run() {
    let server = Server::start(&["--lease=2"]);
    let ann = Client::new(&server);
    let workers = server.workers();
    let id = ann.submit_accepted("/api/v1/cutout", &photo());
    server.wait_until("running", || ann.status(&id)["status"] == "processing");
    let other = rusqlite::Connection::open(server.data().join("cameo.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    std::thread::sleep(Duration::from_secs(8));
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(ann.wait_until_over(&id)["status"], "completed");
    server.wait_until_ready();
    assert_eq!(server.workers(), workers);
    let log = server.log();
    let starts = log.lines().filter(|line| line.contains("task started") && line.contains(&id)).count();
    assert_eq!(starts, 1, "{log}");
}

#[test]
fn workers_get_their_settings_and_no_secrets_in_their_environment() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("cameo.toml");
    // A key that a worker does not have.
    std::fs::write(&config, "max-queue = 7\n").unwrap();
    let under = [
        "env",
        "CAMEO_TOKEN_SECRET=a secret that is long enough for a key",
        &format!("CAMEO_CONFIG={}", config.display()),
        "CAMEO_TASK_TIMEOUT=321",
    ];
    let server = Server::start_under(&under, folder, &["--lease=7"]);
    let process = PathBuf::from("/proc").join(server.workers()[0].to_string());
    let read = |file: &str| String::from_utf8(std::fs::read(process.join(file)).unwrap()).unwrap();
    let arguments = read("cmdline");
    assert!(arguments.starts_with("cameo\0work\0--supervised\0--id="), "{arguments:?}");
    assert_eq!(arguments.split_terminator('\0').count(), 4, "{arguments:?}");
    let environment = read("environ");
    for setting in ["CAMEO_LEASE=7", "CAMEO_TASK_TIMEOUT=321", "CAMEO_DEVICE=cpu"] {
        assert!(environment.split('\0').any(|variable| variable == setting), "{setting}: {environment:?}");
    }
    for name in ["CAMEO_TOKEN_SECRET", "CAMEO_CONFIG", "CAMEO_MAX_QUEUE"] {
        assert!(!environment.contains(name), "{name}: {environment:?}");
    }
    let models = common::models();
    assert!(environment.contains(&format!("CAMEO_MODELS={}", models.display())), "{environment:?}");
}
