//! What every store must do, and what blobs and rows must do together.
//!
//! To test another store, construct it in [`Fixture::new`].

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accounts;
mod blobs;
mod queue;
mod runs;
mod tasks;

use std::sync::Arc;

use bytes::Bytes;
use cameo_store::{
    Blobs, Claim, Failure, Lease, Millis, NewTask, QueueLimits, Result, Sqlite, Store, StoreError, Submission, Task,
    TaskId, TaskResult, TaskStatus, UserId,
};
use uuid::Uuid;

/// The duration of a lease.
const LEASE: Millis = 15_000;
const START: Millis = 1_000_000;
/// Longer than the delay before any retry.
const RETRY_WAIT: Millis = 600_000;
const LIMITS: QueueLimits = QueueLimits { tasks: 100, pixels: 1_000_000, tasks_per_user: 50 };

/// A new store with two users, and a blob folder.
struct Fixture {
    store: Arc<dyn Store>,
    blobs: Blobs,
    ann: UserId,
    bob: UserId,
    folder: tempfile::TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(&folder.path().join("cameo.sqlite")).unwrap());
        let blobs = Blobs::open(&folder.path().join("blobs")).unwrap();
        let ann = store.add_user("ann", "hash", false, START).await.unwrap().id;
        let bob = store.add_user("bob", "hash", false, START).await.unwrap().id;
        Self { store, blobs, ann, bob, folder }
    }

    /// Opens the database again, as another process would.
    fn reopen(&self) -> Sqlite {
        Sqlite::open(&self.folder.path().join("cameo.sqlite")).unwrap()
    }

    /// Changes rows as no store does, but a damaged disk or another program.
    fn damage(&self, statements: &str) {
        rusqlite::Connection::open(self.folder.path().join("cameo.sqlite")).unwrap().execute_batch(statements).unwrap();
    }

    async fn submit(&self, owner: UserId) -> TaskId {
        let task = new_task(owner);
        let id = task.id;
        assert_eq!(self.store.submit(task, LIMITS, START).await.unwrap(), Submission::Accepted);
        id
    }

    /// Claims the next task.
    async fn claim(&self, now: Millis) -> Option<Claim> {
        self.store.claim("worker", None, LEASE, now).await.unwrap()
    }

    /// Claims the next task, which must exist.
    async fn lease(&self, now: Millis) -> Lease {
        self.claim(now).await.expect("a task is ready").lease
    }

    /// Submits a task of Ann and claims it.
    async fn start_task(&self) -> Lease {
        self.submit(self.ann).await;
        self.lease(START).await
    }

    /// Runs a task of Ann, and returns it with the key of its result. Its photo is in the blob folder, too.
    async fn complete_task(&self) -> (TaskId, String) {
        let lease = self.start_task().await;
        self.put(&Task::input_key(lease.task)).await;
        self.put(&lease.output_key()).await;
        self.store.finish(&lease, &result_of(&lease), "cpu", START).await.unwrap();
        (lease.task, lease.output_key())
    }

    async fn task(&self, id: TaskId) -> Task {
        self.store.task(id).await.unwrap().expect("the task exists")
    }

    async fn status(&self, id: TaskId) -> TaskStatus {
        self.task(id).await.status
    }

    async fn put(&self, key: &str) {
        self.blobs.put(key, Bytes::from_static(b"bytes")).await.unwrap();
    }

    /// Lists the names of all files in the blob folder.
    fn files(&self) -> Vec<String> {
        let mut names = Vec::new();
        for folder in ["inputs", "results"] {
            let entries = std::fs::read_dir(self.blobs.path(folder)).unwrap();
            names.extend(entries.map(|entry| format!("{folder}/{}", entry.unwrap().file_name().display())));
        }
        names.sort();
        names
    }
}

fn new_task(owner: UserId) -> NewTask {
    let (operation, recipe) = ("combo".to_string(), "{}".to_string());
    NewTask { id: Uuid::new_v4(), owner, operation, recipe, pixels: 1000, idempotency: None }
}

fn result_of(lease: &Lease) -> TaskResult {
    TaskResult {
        blob_key: lease.output_key(),
        bytes: 5,
        sha256: "ab".repeat(32),
        width: 20,
        height: 10,
        stages: vec![("decode".to_string(), 10.0), ("matte".to_string(), 1500.0)],
        matte_uncertainty: Some(0.062),
        foreground: Some([3, 0, 14, 10]),
    }
}

fn failure() -> Failure {
    Failure { code: "undecodable_image".into(), reason: "the file is truncated".into() }
}

fn assert_lease_lost<T: std::fmt::Debug>(result: Result<T>) {
    assert!(matches!(result, Err(StoreError::LeaseLost)), "{result:?}");
}
