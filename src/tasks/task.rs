//! What is stored.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Milliseconds since 1970.
pub type Millis = i64;

/// Not to be guessed: a foreign one tells nobody anything.
pub type TaskId = Uuid;

pub type UserId = i64;

pub fn now() -> Millis {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as Millis)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Pending,
    Processing,
    Completed,
    Failed,
    Cancelled,
}

impl Status {
    pub const ALL: [Status; 5] =
        [Status::Pending, Status::Processing, Status::Completed, Status::Failed, Status::Cancelled];

    pub fn name(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::Processing => "processing",
            Status::Completed => "completed",
            Status::Failed => "failed",
            Status::Cancelled => "cancelled",
        }
    }

    /// Waiting or running.
    pub fn active(self) -> bool {
        matches!(self, Status::Pending | Status::Processing)
    }
}

/// Why a task failed: a stable code for programs, a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub code: String,
    pub reason: String,
}

/// What a completed task gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The result's key among the blobs.
    pub blob: String,
    pub bytes: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    pub width: u32,
    pub height: u32,
    /// `(stage, milliseconds)` in the order they ran.
    pub stages: Vec<(String, f64)>,
    /// How likely the matte is wrong, 0 to 1, if there is one.
    pub matte_uncertainty: Option<f64>,
    /// The subject's box in the result: left, top, width, height.
    pub foreground: Option<[u32; 4]>,
}

/// One accepted job.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    pub id: TaskId,
    /// Grows with each task accepted.
    pub seq: i64,
    pub owner: UserId,
    /// "combo", "cutout" or "enhance".
    pub kind: String,
    /// The recipe, as JSON that only its writer and the worker read.
    pub recipe: String,
    pub status: Status,
    /// Pixels of the photo.
    pub pixels: u64,
    pub created_at: Millis,
    /// When the run that counts began.
    pub started_at: Option<Millis>,
    pub finished_at: Option<Millis>,
    /// 0 to 1.
    pub progress: f64,
    /// The stage that runs.
    pub stage: Option<String>,
    /// "cpu" or "gpu".
    pub engine: Option<String>,
    /// Runs begun.
    pub attempts: u32,
    pub failure: Option<Failure>,
    pub outcome: Option<Outcome>,
    /// The result is gone.
    pub expired: bool,
}

impl Task {
    /// The photo's key among the blobs.
    pub fn input(id: TaskId) -> String {
        format!("inputs/{id}")
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct User {
    pub id: UserId,
    pub name: String,
    /// In PHC form; never printed.
    pub password_hash: String,
    pub disabled: bool,
    /// Known to everybody: valid only while the server runs as a demo.
    pub demo: bool,
    pub created_at: Millis,
    /// Tokens issued before are void.
    pub tokens_from: Millis,
}

/// A named, stored set of cut-out options.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub id: Uuid,
    pub owner: UserId,
    pub name: String,
    /// Others may use it; only its owner may change it.
    pub shared: bool,
    /// JSON that only its writer reads.
    pub options: String,
    pub created_at: Millis,
    pub updated_at: Millis,
}
