//! The process that owns one engine and runs tasks, and the supervisor that keeps such processes alive.
//!
//! A worker may die at any moment, and is expected to: a lost device or a hung driver ends the process, its task goes
//! to another. What it knows of a task is its lease, and what it makes counts only if the lease still holds.

mod failure;
mod intake;
mod progress;
mod run;
mod supervise;

pub use run::{Plan, run};
pub use supervise::{Supervisor, supervise};

/// How a worker ends that must be replaced: its engine can no longer be trusted, or did not pass its self-test.
pub const EXIT_ENGINE: i32 = 70;
