//! What a store must do. Time is handed in, so that tests need not wait.
//!
//! The traits are apart because their users are: the API submits and asks, a worker claims and finishes, and with
//! several machines the queue may live elsewhere than the accounts.

use std::collections::HashSet;

use async_trait::async_trait;
use uuid::Uuid;

use crate::{Config, Failure, Millis, Outcome, Result, Status, Task, TaskId, User, UserId};

/// A job to accept.
#[derive(Debug, Clone)]
pub struct NewTask {
    pub id: TaskId,
    pub owner: UserId,
    pub kind: String,
    pub recipe: String,
    pub pixels: u64,
    /// The client's key, and a hash of all that it sent with it.
    pub idempotency: Option<(String, String)>,
}

/// How much may wait and run.
#[derive(Debug, Clone, Copy)]
pub struct QueueLimits {
    pub tasks: u64,
    pub pixels: u64,
    pub tasks_per_user: u64,
}

/// What became of a job that was handed in.
#[derive(Debug, Clone, PartialEq)]
pub enum Submitted {
    Accepted,
    /// The same key and the same body came before: this is their task.
    Known(TaskId),
    /// The same key came before with another body.
    KeyReused,
    Refused(Admission),
}

/// Whether one more job would be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// The user may hand in as many more.
    Open {
        remaining: u64,
    },
    QueueFull,
    UserFull,
}

/// The right to run a task until it is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub task: TaskId,
    /// Grows with each claim of the task: the older claim's is refused from then on.
    pub fence: i64,
}

impl Lease {
    /// The key of the result that the lease's holder makes: no other run writes there.
    pub fn output(&self) -> String {
        format!("results/{}-{}", self.task, self.fence)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    pub lease: Lease,
    pub task: Task,
}

/// How many tasks there are in a state, by kind.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Load {
    pub counts: Vec<(Status, String, u64)>,
    pub pending_pixels: u64,
    pub oldest_pending: Option<Millis>,
    /// Mean seconds of the last runs that completed, queueing left out; `None` before the first.
    pub mean_seconds: Option<f64>,
}

impl Load {
    pub fn count(&self, status: Status) -> u64 {
        self.counts.iter().filter(|(found, ..)| *found == status).map(|(.., count)| count).sum()
    }
}

/// All the time that a stage took since the store was made.
#[derive(Debug, Clone, PartialEq)]
pub struct StageTotal {
    pub stage: String,
    pub count: u64,
    pub seconds: f64,
}

/// Tasks of a user, newest first.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Only tasks older than the one with this `seq`.
    pub before: Option<i64>,
    pub limit: u32,
}

/// The API's side.
#[async_trait]
pub trait Tasks {
    /// Accepts a task if the limits allow; all of it or nothing, and for good once this returns.
    async fn submit(&self, task: NewTask, limits: QueueLimits, now: Millis) -> Result<Submitted>;
    /// Whether a task of this owner would be accepted, before its bytes have been read.
    async fn admission(&self, owner: UserId, limits: QueueLimits) -> Result<Admission>;
    async fn task(&self, id: TaskId) -> Result<Option<Task>>;
    /// Tasks that will be claimed before it, plus one; `None` unless it is pending.
    async fn queue_position(&self, id: TaskId) -> Result<Option<u64>>;
    async fn list(&self, owner: UserId, page: Page) -> Result<Vec<Task>>;
    /// Cancels a pending or processing task: true if it was one.
    async fn cancel(&self, id: TaskId, now: Millis) -> Result<bool>;
    /// Forgets a task that is not active: true if it was one.
    async fn forget(&self, id: TaskId) -> Result<bool>;
    /// Marks results that were finished before `results_before` as expired, and forgets tasks that were finished
    /// before `tasks_before`. Returns how many it touched. Their blobs are orphans from then on.
    async fn expire(&self, results_before: Millis, tasks_before: Millis) -> Result<u64>;
    /// The keys of all blobs that belong to a task: photos that will be read, results that can be fetched or are
    /// being made.
    async fn blobs(&self) -> Result<HashSet<String>>;
    async fn load(&self) -> Result<Load>;
    async fn stage_totals(&self) -> Result<Vec<StageTotal>>;
    /// Changes whenever anything that is stored does.
    async fn version(&self) -> Result<i64>;
}

/// The worker's side.
#[async_trait]
pub trait Queue {
    /// The task that would be claimed now.
    async fn next(&self, now: Millis) -> Result<Option<Task>>;
    /// Takes the next task until `now + lease`. Users take turns, and each one's tasks run in their order.
    async fn claim(&self, worker: &str, lease: Millis, now: Millis) -> Result<Option<Claim>>;
    /// Prolongs a lease until `now + prolong` and tells how far the task is.
    async fn beat(&self, lease: &Lease, prolong: Millis, progress: f64, stage: &str, now: Millis) -> Result<()>;
    /// Publishes the outcome.
    async fn finish(&self, lease: &Lease, outcome: &Outcome, engine: &str, now: Millis) -> Result<()>;
    /// Ends a run that failed. With `retry` the task waits a little and runs again, unless it has been tried
    /// [`Queue::max_attempts`] times. Returns whether it runs again.
    async fn fail(&self, lease: &Lease, failure: &Failure, retry: bool, now: Millis) -> Result<bool>;
    /// Gives the task back as if it had never been claimed.
    async fn release(&self, lease: &Lease, now: Millis) -> Result<()>;
    /// Ends the runs whose lease has run out. Returns how many there were.
    async fn reap(&self, now: Millis) -> Result<u64>;
    /// Ends the runs of a worker that is known to be dead, whatever their leases say. Returns how many there were.
    async fn abandon(&self, worker: &str, now: Millis) -> Result<u64>;
    /// Runs a task may have: the first, and retries.
    fn max_attempts(&self) -> u32;
}

/// A worker process, as it tells of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Worker {
    pub id: String,
    pub engine: String,
    pub ready: bool,
    pub beat_at: Millis,
}

#[async_trait]
pub trait Workers {
    /// Tells that a worker is alive, and whether its self-test has passed.
    async fn tell(&self, worker: &Worker) -> Result<()>;
    async fn gone(&self, id: &str) -> Result<()>;
    async fn workers(&self) -> Result<Vec<Worker>>;
}

#[async_trait]
pub trait Accounts {
    /// # Errors
    /// [`crate::Error::Exists`] if the name is taken, in whatever case.
    async fn add_user(&self, name: &str, password_hash: &str, demo: bool, now: Millis) -> Result<User>;
    async fn user(&self, id: UserId) -> Result<Option<User>>;
    async fn user_named(&self, name: &str) -> Result<Option<User>>;
    async fn users(&self) -> Result<Vec<User>>;
    /// Sets the password and voids all tokens. False if there is no such user.
    async fn set_password(&self, name: &str, password_hash: &str, now: Millis) -> Result<bool>;
    async fn set_disabled(&self, name: &str, disabled: bool) -> Result<bool>;
}

#[async_trait]
pub trait Configs {
    /// One's own and those that others share, by name.
    async fn configs(&self, owner: UserId) -> Result<Vec<Config>>;
    async fn config(&self, id: Uuid) -> Result<Option<Config>>;
    /// Adds it, or replaces the one with the same id and owner.
    async fn put_config(&self, config: &Config) -> Result<()>;
    async fn delete_config(&self, id: Uuid, owner: UserId) -> Result<bool>;
}

/// A whole store.
pub trait Store: Tasks + Queue + Workers + Accounts + Configs + Send + Sync {}

impl<T: Tasks + Queue + Workers + Accounts + Configs + Send + Sync> Store for T {}
