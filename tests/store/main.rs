//! What every store must do, one case a promise. Another store is held to it by another `fresh`.

mod accounts;
mod files;
mod queue;
mod runs;
mod tasks;

use std::sync::Arc;

use bytes::Bytes;
use cameo_tasks::{
    Blobs, Claim, Error, Failure, Lease, Millis, NewTask, Outcome, QueueLimits, Sqlite, Status, Store, Submitted, Task,
    TaskId,
};
use uuid::Uuid;

/// A lease, in milliseconds.
const LEASE: Millis = 15_000;
const START: Millis = 1_000_000;
const LIMITS: QueueLimits = QueueLimits { tasks: 100, pixels: 1_000_000, tasks_per_user: 50 };

/// A new store with two users.
struct Scene {
    store: Arc<dyn Store>,
    blobs: Blobs,
    ann: i64,
    bob: i64,
    folder: tempfile::TempDir,
}

async fn fresh() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(&folder.path().join("cameo.sqlite")).unwrap());
    let blobs = Blobs::open(&folder.path().join("blobs")).unwrap();
    let ann = store.add_user("ann", "hash", false, START).await.unwrap().id;
    let bob = store.add_user("bob", "hash", false, START).await.unwrap().id;
    Scene { store, blobs, ann, bob, folder }
}

fn job(owner: i64) -> NewTask {
    let (kind, recipe) = ("combo".to_string(), "{}".to_string());
    NewTask { id: Uuid::new_v4(), owner, kind, recipe, pixels: 1000, idempotency: None }
}

fn outcome(lease: &Lease) -> Outcome {
    let stages = vec![("decode".to_string(), 10.0), ("matte".to_string(), 1500.0)];
    Outcome {
        blob: lease.output(),
        bytes: 5,
        sha256: "ab".repeat(32),
        width: 20,
        height: 10,
        stages,
        matte_uncertainty: Some(0.062),
        foreground: Some([3, 0, 14, 10]),
    }
}

fn failure() -> Failure {
    Failure { code: "undecodable_image".into(), reason: "cut short".into() }
}

impl Scene {
    async fn submit(&self, owner: i64) -> TaskId {
        let task = job(owner);
        let id = task.id;
        assert_eq!(self.store.submit(task, LIMITS, START).await.unwrap(), Submitted::Accepted);
        id
    }

    async fn claim(&self, now: Millis) -> Option<Claim> {
        self.store.claim("worker", LEASE, now).await.unwrap()
    }

    async fn claimed(&self, now: Millis) -> Lease {
        self.claim(now).await.expect("a task is waiting").lease
    }

    async fn task(&self, id: TaskId) -> Task {
        self.store.task(id).await.unwrap().expect("the task is there")
    }

    async fn status(&self, id: TaskId) -> Status {
        self.task(id).await.status
    }

    /// A task of Ann's that is completed, and its result.
    async fn completed(&self, now: Millis) -> (TaskId, String) {
        let id = self.submit(self.ann).await;
        self.blobs.put(&Task::input(id), Bytes::from_static(b"photo")).await.unwrap();
        let lease = self.claimed(now).await;
        self.blobs.put(&lease.output(), Bytes::from_static(b"12345")).await.unwrap();
        self.store.finish(&lease, &outcome(&lease), "cpu", now).await.unwrap();
        (id, lease.output())
    }

    fn files(&self) -> usize {
        let count = |folder: &str| std::fs::read_dir(self.blobs.path(folder)).unwrap().count();
        count("inputs") + count("results")
    }
}

fn lost<T: std::fmt::Debug>(done: cameo_tasks::Result<T>) {
    assert!(matches!(done, Err(Error::LeaseLost)), "{done:?}");
}
