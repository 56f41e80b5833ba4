//! The storage of Cameo's service: tasks from submission to expiry, the accounts that own them, and their image files.
//!
//! An accepted task runs at least once, its result is published exactly once, and neither is lost when a process is
//! killed or the power fails. Leases provide this: a worker [claims](Queue::claim) a task for a limited time and
//! [renews](Queue::renew) the lease while it works. Each claim has a new fencing token in its [`Lease`], so a
//! worker whose lease was lost can no longer [finish](Queue::finish) the task.
//!
//! Modules in reading order:
//!
//! - `task`, `queue`, `account`: the stored data
//! - `store`: the traits that a store implements, [`Tasks`], [`Queue`], [`Workers`], [`Accounts`] and [`Configs`]
//! - `sqlite`: [`Sqlite`], the store of one machine
//! - `blobs`: [`Blobs`], the folder of input photos and results
//! - `reconcile`: [`reconcile`], which removes files that a crash left behind
//!
//! This crate decodes no image and knows neither HTTP nor the engines.

mod account;
mod blobs;
mod error;
mod queue;
mod reconcile;
mod sqlite;
mod store;
mod task;
mod time;

pub use account::{Config, User, UserId, canonical_user_name};
pub use blobs::{Blob, Blobs, Upload};
pub use error::{Result, StoreError};
pub use queue::{Admission, Claim, Lease, Load, QueueLimits, StageTotal, Submission, Worker};
pub use reconcile::reconcile;
pub use sqlite::Sqlite;
pub use store::{Accounts, Configs, Queue, Store, Tasks, Workers};
pub use task::{Failure, IdempotencyKey, NewTask, Page, Task, TaskId, TaskResult, TaskStatus};
pub use time::{Millis, now};
