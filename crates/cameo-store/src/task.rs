//! Tasks, from their submission to their result.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::account::UserId;
use crate::time::Millis;

/// The ID of a [`Task`]: a random UUID, so that clients cannot guess the IDs of other users' tasks.
pub type TaskId = Uuid;

/// The state of a task: *active* until it has completed, failed or been cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::Display, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase", const_into_str)]
pub enum TaskStatus {
    /// Waits to be claimed by a worker.
    Pending,
    /// A worker holds the lease.
    Processing,
    Completed,
    Failed,
    Cancelled,
}

impl TaskStatus {
    /// Returns whether the task is pending or processing. The other states are final.
    pub fn is_active(self) -> bool {
        matches!(self, TaskStatus::Pending | TaskStatus::Processing)
    }
}

/// Why a task failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// A stable code for programs, such as `undecodable_image`.
    pub code: String,
    /// A sentence for the task's owner.
    pub reason: String,
}

/// What a completed task produced. The store keeps it as JSON with these field names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskResult {
    /// The key of the encoded image among the [blobs](crate::Blobs).
    pub blob_key: String,
    /// The size of the encoded image in bytes.
    pub bytes: u64,
    /// The SHA-256 of the encoded image, in lower-case hexadecimal.
    pub sha256: String,
    /// The width of the image in pixels.
    pub width: u32,
    /// The height of the image in pixels.
    pub height: u32,
    /// Each stage with its duration in milliseconds, in the order in which they ran.
    pub stages: Vec<(String, f64)>,
    /// The estimated probability that the matte is wrong, 0 to 1; `None` if the task computed no matte.
    pub matte_uncertainty: Option<f64>,
    /// The bounding box of the subject in the result, in pixels: left, top, width, height.
    pub foreground: Option<[u32; 4]>,
}

/// A task that the store has accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    pub id: TaskId,
    /// The position in the order of acceptance. It grows with each task and is never reused, so that it can serve as
    /// the cursor of a [`Page`].
    pub seq: i64,
    pub owner: UserId,
    /// `combo`, `cutout` or `enhance`.
    pub operation: String,
    /// The recipe as JSON, which the store does not interpret.
    pub recipe: String,
    pub status: TaskStatus,
    /// The number of pixels of the input photo.
    pub pixels: u64,
    pub created_at: Millis,
    /// When the current or last run began; `None` while the task is pending.
    pub started_at: Option<Millis>,
    /// When the task reached its final state.
    pub finished_at: Option<Millis>,
    /// The completed fraction of the current run, 0 to 1.
    pub progress: f64,
    /// The stage that is running.
    pub stage: Option<String>,
    /// The engine that computed the result: `cpu` or `gpu`.
    pub engine: Option<String>,
    /// The number of runs that have begun.
    pub attempts: u32,
    /// Set if the task has failed.
    pub failure: Option<Failure>,
    /// Set if the task is completed.
    pub result: Option<TaskResult>,
    /// The encoded image was deleted because its retention time is over.
    pub expired: bool,
}

impl Task {
    /// Returns the blob key of a task's input photo.
    pub fn input_key(id: TaskId) -> String {
        format!("inputs/{id}")
    }
}

/// A task to submit. The fields are those of the [`Task`] that it becomes.
#[derive(Debug, Clone)]
pub struct NewTask {
    pub id: TaskId,
    pub owner: UserId,
    pub operation: String,
    pub recipe: String,
    pub pixels: u64,
    /// Makes a repeated submission return the task of the first one.
    pub idempotency: Option<IdempotencyKey>,
}

/// The `Idempotency-Key` of a request, which is unique per user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The key that the client chose.
    pub key: String,
    /// A hash of everything else in the request. It tells a repeated request from a different one with the same key.
    pub request_hash: String,
}

/// A page of a user's tasks, which are listed from the newest to the oldest.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Lists only tasks whose [`seq`](Task::seq) is smaller; `None` for the first page.
    pub before: Option<i64>,
    /// The maximum number of tasks.
    pub limit: u32,
}
