//! The traits that a store implements.
//!
//! They are separate because their callers are: the API submits and queries tasks, workers claim and finish them. With
//! several machines, the queue may live elsewhere than the accounts. Each change is atomic and durable: it is on the
//! disk when the method returns, and a crash before that leaves no part of it.
//!
//! Every method returns [`StoreError::Database`](crate::StoreError::Database) if the database fails, and
//! [`StoreError::Busy`](crate::StoreError::Busy) if others use it for too long; only other errors are listed. The current time is an argument, so that tests need not wait.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use uuid::Uuid;

use crate::account::{Config, User, UserId};
use crate::error::Result;
use crate::queue::{Admission, Claim, Lease, Load, QueueLimits, StageTotal, Submission, Worker};
use crate::task::{Failure, NewTask, Page, Task, TaskId, TaskResult};
use crate::time::Millis;

/// The API's view of the tasks.
#[async_trait]
pub trait Tasks {
    /// Accepts a task if the limits allow it. The input photo must be complete in the blob folder.
    async fn submit(&self, task: NewTask, limits: QueueLimits, now: Millis) -> Result<Submission>;

    /// Returns whether another task of this owner would be accepted, so that the API can refuse a request before it
    /// reads the photo.
    async fn admission(&self, owner: UserId, limits: QueueLimits) -> Result<Admission>;

    /// Checks that what is stored now can be read later.
    ///
    /// # Errors
    /// [`StoreError::Replaced`](crate::error::StoreError::Replaced) if the database was deleted or replaced.
    async fn check(&self) -> Result<()>;

    /// Checks that the store can be written now. Waits for other processes that are writing.
    async fn check_writable(&self) -> Result<()>;

    /// Returns whether the user has submitted a task with this idempotency key.
    async fn has_idempotency_key(&self, owner: UserId, key: &str) -> Result<bool>;

    /// Returns a task, whoever its owner is.
    async fn task(&self, id: TaskId) -> Result<Option<Task>>;

    /// Returns those of these tasks that exist, in any order, whoever their owners are.
    async fn tasks(&self, ids: Vec<TaskId>) -> Result<Vec<Task>>;

    /// Returns the positions in the queue of those of these tasks that are pending, 1 for the next one.
    async fn queue_positions(&self, ids: Vec<TaskId>) -> Result<HashMap<TaskId, u64>>;

    /// Lists tasks of one owner from the newest to the oldest.
    async fn list(&self, owner: UserId, page: Page) -> Result<Vec<Task>>;

    /// Cancels an active task. Returns false if it does not exist or is not active. A worker that runs the task learns
    /// of it when it next uses its lease.
    async fn cancel(&self, id: TaskId, now: Millis) -> Result<bool>;

    /// Deletes a task that is not active. Returns false if it does not exist or is active. Its blobs become orphans.
    async fn delete(&self, id: TaskId) -> Result<bool>;

    /// Marks the results of tasks that finished before `results_before` as expired, and deletes tasks that finished
    /// before `tasks_before` and have no result. Returns the blob keys of the results, which the caller deletes.
    ///
    /// Changes a thousand tasks of each kind at most, so that others need not wait long: it is called again and again.
    async fn expire(&self, results_before: Millis, tasks_before: Millis) -> Result<Vec<String>>;

    /// Returns those of these blob keys that a task still needs: the photos of active tasks, the outputs of current
    /// runs and the results that have not expired. All other blobs are orphans.
    async fn referenced(&self, keys: Vec<String>) -> Result<HashSet<String>>;

    /// Returns statistics of the stored tasks.
    async fn load(&self) -> Result<Load>;

    /// Returns the time spent in each stage, ordered by stage name.
    async fn stage_totals(&self) -> Result<Vec<StageTotal>>;
}

/// The workers' view of the tasks.
///
/// The methods that take a [`Lease`] return [`StoreError::LeaseLost`](crate::StoreError::LeaseLost) if the task is no
/// longer processed under it. A lease that has expired remains valid until [`Queue::reap`] ends the run.
#[async_trait]
pub trait Queue {
    /// Returns the first `count` tasks of the queue, in the order in which [`Queue::claim`] would claim them now.
    async fn peek(&self, count: u32, now: Millis) -> Result<Vec<Task>>;

    /// Claims a task for `duration` milliseconds: the preferred one if it is ready, else the next one; `None` if no
    /// task is ready. Users take turns, and the tasks of one user run in the order of their submission. A worker that
    /// prefers a task passes over those before it, and has to see to it that they do not wait for long.
    async fn claim(
        &self,
        worker: &str,
        preferred: Option<TaskId>,
        duration: Millis,
        now: Millis,
    ) -> Result<Option<Claim>>;

    /// Renews a lease, which then expires at `now + duration`, and records the progress (0 to 1) and the stage of the
    /// run.
    async fn renew(&self, lease: &Lease, duration: Millis, progress: f64, stage: &str, now: Millis) -> Result<()>;

    /// Completes a task with the result of the run. The result's blob must be complete.
    async fn finish(&self, lease: &Lease, result: &TaskResult, engine: &str, now: Millis) -> Result<()>;

    /// Ends a run that failed. With `retry`, the task returns to the queue after a delay, unless it has had
    /// [`Queue::max_attempts`] runs. Returns whether the task will run again; otherwise it has failed.
    async fn fail(&self, lease: &Lease, failure: &Failure, retry: bool, now: Millis) -> Result<bool>;

    /// Returns a task to the queue as if it had not been claimed: the run does not count as an attempt.
    async fn release(&self, lease: &Lease) -> Result<()>;

    /// Ends the runs whose leases have expired. Their tasks are retried as in [`Queue::fail`], or fail with the code
    /// `worker_lost`. Returns the number of runs ended.
    async fn reap(&self, now: Millis) -> Result<u64>;

    /// Ends all runs of a worker that is known to be dead, as [`Queue::reap`] does but without waiting for the leases
    /// to expire. Returns the number of runs ended.
    async fn requeue_worker_tasks(&self, worker: &str, now: Millis) -> Result<u64>;

    /// Returns the maximum number of runs of a task: the first one and its retries.
    fn max_attempts(&self) -> u32;
}

/// The registry of live workers.
#[async_trait]
pub trait Workers {
    /// Records a heartbeat, and registers the worker if it is new.
    async fn heartbeat(&self, worker: &Worker) -> Result<()>;

    /// Removes a worker, if it is registered. Its tasks keep their leases.
    async fn deregister(&self, id: &str) -> Result<()>;

    /// Returns all registered workers, ordered by ID.
    async fn workers(&self) -> Result<Vec<Worker>>;
}

/// The users.
///
/// Names of users are compared in their [canonical form](crate::canonical_user_name).
#[async_trait]
pub trait Accounts {
    /// Creates a user.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`](crate::StoreError::AlreadyExists) if a user has this name in any of its variants.
    async fn add_user(&self, name: &str, password_hash: &str, demo: bool, now: Millis) -> Result<User>;

    async fn user(&self, id: UserId) -> Result<Option<User>>;

    /// Returns the user with this name, in any variant of it.
    async fn user_named(&self, name: &str) -> Result<Option<User>>;

    /// Returns all users, ordered by name.
    async fn users(&self) -> Result<Vec<User>>;

    /// Sets the password of a user, which invalidates all older tokens and makes a demo user a regular one. Returns
    /// false if there is no such user.
    async fn set_password(&self, name: &str, password_hash: &str, now: Millis) -> Result<bool>;

    /// Disables a user, which invalidates all tokens for good. Returns false if there is no such user.
    async fn disable_user(&self, name: &str, now: Millis) -> Result<bool>;

    /// Lets a disabled user log in again. Returns false if there is no such user.
    async fn enable_user(&self, name: &str) -> Result<bool>;
}

/// The saved configs.
#[async_trait]
pub trait Configs {
    /// Returns the configs that a user may read, ordered by name: those that the user owns and those that are shared.
    async fn configs(&self, user: UserId) -> Result<Vec<Config>>;

    /// Returns a config, whoever its owner is.
    async fn config(&self, id: Uuid) -> Result<Option<Config>>;

    /// Adds a config, or replaces the one with the same ID. Does nothing if that one has another owner. Returns false
    /// if it would be added but its owner has `max_per_owner` already.
    async fn put_config(&self, config: &Config, max_per_owner: u64) -> Result<bool>;

    /// Deletes a config. Returns false if this owner has no config with this ID.
    async fn delete_config(&self, id: Uuid, owner: UserId) -> Result<bool>;
}

/// A complete store: all of the traits above.
pub trait Store: Tasks + Queue + Workers + Accounts + Configs + Send + Sync {}

impl<T: Tasks + Queue + Workers + Accounts + Configs + Send + Sync> Store for T {}
