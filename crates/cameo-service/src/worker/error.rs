//! Why a task failed, and why a worker must end.

use cameo_core::codec::CodecError;
use cameo_core::pipeline::{Fault, PipelineError, RecipeError};
use cameo_store::{Failure, StoreError, TaskId};
use tokio::task::JoinError;

/// Why a worker process must end and be replaced: nothing else does.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The device failed, so that the engine can no longer be trusted.
    #[error(transparent)]
    Device(PipelineError),
    /// A thread of the engine does not come back.
    #[error("task {task} still runs after {secs} seconds")]
    TaskHung { task: TaskId, secs: u64 },
}

/// What the task's owner is told of an internal error.
const SERVER_FAILED: &str = "the server failed: submit the photo again, and if it fails again, tell the operator";

/// Why one run of a task gave no result.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// The photo was accepted, but its file is gone.
    #[error("the photo's file is missing")]
    PhotoLost,
    /// The recipe was accepted, perhaps by another version.
    #[error("the stored recipe cannot be read: {0}")]
    StoredRecipe(#[from] serde_json::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The result could not be stored for a long time.
    #[error("the result could not be stored: {0}")]
    NotStored(StoreError),
    #[error("a thread panicked: {0}")]
    Panicked(#[from] JoinError),
    #[error("the task ran longer than {secs} seconds")]
    TimedOut { secs: u64 },
}

impl From<CodecError> for TaskError {
    fn from(error: CodecError) -> Self {
        Self::Pipeline(error.into())
    }
}

impl From<RecipeError> for TaskError {
    fn from(error: RecipeError) -> Self {
        Self::Pipeline(error.into())
    }
}

impl TaskError {
    /// Returns what the task's owner is told. Internal errors are not disclosed: the log has them.
    pub fn failure(&self) -> Failure {
        let (code, reason) = match self {
            Self::Pipeline(error) => match error.fault() {
                Fault::Image | Fault::Parameters => (error.code(), error.to_string()),
                Fault::Machine => (error.code(), SERVER_FAILED.into()),
            },
            Self::NotStored(_) => {
                ("result_not_stored", "the server has no room for the result: submit the photo again later".into())
            }
            Self::PhotoLost => ("photo_lost", "the server has lost the photo: submit it again".into()),
            Self::TimedOut { secs } => ("timed_out", format!("it took longer than {secs} seconds")),
            Self::StoredRecipe(_) | Self::Store(_) | Self::Panicked(_) => ("internal_error", SERVER_FAILED.into()),
        };
        Failure { code: code.into(), reason }
    }

    /// Returns whether another run may succeed.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Pipeline(error) => error.fault() == Fault::Machine,
            Self::Store(_) | Self::Panicked(_) | Self::TimedOut { .. } => true,
            Self::PhotoLost | Self::StoredRecipe(_) | Self::NotStored(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cameo_core::pipeline::EngineError;

    #[test]
    fn internal_errors_are_retried_and_not_disclosed() {
        let engine = EngineError::Device { engine: "gpu", reason: "secret".into() };
        let encoder = CodecError::Encode { format: "PNG", reason: "secret".into() };
        for error in [
            TaskError::Pipeline(engine.into()),
            TaskError::Pipeline(encoder.into()),
            TaskError::Store(StoreError::Storage("secret".into())),
        ] {
            let reason = error.failure().reason;
            assert!(error.is_retryable() && !reason.contains("secret") && reason.contains("submit"), "{reason}");
        }
    }

    #[test]
    fn the_images_own_errors_are_disclosed_and_final() {
        let error = TaskError::from(CodecError::Undecodable("cut short".into()));
        assert!(!error.is_retryable());
        assert_eq!(error.failure().code, "undecodable_image");
        assert!(error.failure().reason.contains("cut short"));
    }
}
