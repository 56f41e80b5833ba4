//! Tasks, from acceptance to expiry, and whom they belong to. Knows no pixels, no HTTP and no engine.
//!
//! The promise: an accepted task is run at least once, its result is published exactly once, and neither is lost when
//! a process is killed. It is kept by leases: a worker [claims](Queue::claim) a task for a while and beats while it
//! works; the claim's [`Lease`] has a fencing token, so that a worker that lost its lease cannot
//! [finish](Queue::finish) any more.
//!
//! - [`Task`] and what it is made of
//! - [`Tasks`], [`Queue`], [`Workers`], [`Accounts`], [`Configs`]: what a store must do, in parts small enough for one
//!   machine and for many
//! - [`Sqlite`]: the store of one machine
//! - [`Blobs`]: photos and results
//! - [`reconcile`]: removes what a crash left behind

mod blobs;
mod reconcile;
mod sqlite;
mod store;
mod task;

pub use blobs::{Blob, Blobs, Upload};
pub use reconcile::reconcile;
pub use sqlite::Sqlite;
pub use store::{
    Accounts, Admission, Claim, Configs, Lease, Load, NewTask, Page, Queue, QueueLimits, StageTotal, Store, Submitted,
    Tasks, Worker, Workers,
};
pub use task::{Config, Failure, Millis, Outcome, Status, Task, TaskId, User, UserId, now};

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The lease ran out, the task was cancelled, or another worker has it: whatever was made must be thrown away.
    #[error("the lease on this task is lost")]
    LeaseLost,
    #[error("{0} exists already")]
    Exists(String),
    #[error("the data folder cannot be used: {0}")]
    Data(String),
}
