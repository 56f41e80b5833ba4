//! The loop of a worker process, which owns one engine and runs tasks, and the supervisor that keeps such processes
//! alive.
//!
//! A worker may die at any moment: a lost device or a hung driver ends its process, and its tasks go to another one.
//! All that a worker holds of a task is its lease, and its result counts only while the lease is valid.
//!
//! - `run`: the loop that claims tasks
//! - `task`: the run of one task
//! - `prefetch`: reads and decodes photos, that of the next task in advance
//! - `progress`: how far a task is
//! - `place`: the place that a task takes while it runs
//! - `context`, `error`: what the others share
//! - `supervise`: the supervisor, which runs in the server's process
//! - `pipes`: what connects it with its workers

mod context;
mod error;
mod pipes;
mod place;
mod prefetch;
mod progress;
mod run;
mod supervise;
mod task;

pub use context::WorkerContext;
pub use error::WorkerError;
pub use pipes::{send_heartbeats, server_ended};
pub use run::run;
pub use supervise::{Supervisor, requeue_after_restart, supervise};

/// The exit code of a worker that must be replaced: its engine failed, or did not pass the self-test.
pub const EXIT_ENGINE: i32 = 70;
