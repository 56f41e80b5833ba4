//! Why a photo gave no result.

use cameo_models::ModelError;

use crate::codec::CodecError;

/// Parameters that cannot be carried out for a photo, as one sentence that says which value to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RecipeError(pub String);

/// Why an engine could not be opened, or failed in a stage.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The device was lost, ran out of memory or panicked. Everything that the engine computes from then on is
    /// untrustworthy, so the process that owns it must end.
    #[error("the {engine} engine failed: {reason}")]
    Device { engine: &'static str, reason: String },
    /// The engine computes something else than it should.
    #[error("the self-test failed: {0}")]
    SelfTest(String),
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// Why the pipeline ended without a result.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    #[error(transparent)]
    Codec(#[from] CodecError),
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The stage observer asked the pipeline to stop.
    #[error("the task was cancelled")]
    Cancelled,
}

/// Who has to act before another try can succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The sender of the image: its bytes cannot be used.
    Image,
    /// The sender of the request: its parameters cannot be carried out.
    Parameters,
    /// The operator of this machine.
    Machine,
}

impl PipelineError {
    /// Returns the stable name of this error for programs. The command line, the API and failed tasks all use it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Codec(error) => error.code(),
            Self::Recipe(_) => "invalid_parameter",
            Self::Engine(_) => "engine_failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Returns who has to act before another try can succeed.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Codec(error) if error.is_about_the_image() => Fault::Image,
            Self::Recipe(_) | Self::Cancelled => Fault::Parameters,
            Self::Codec(_) | Self::Engine(_) => Fault::Machine,
        }
    }

    /// Returns whether the engine can no longer be trusted, so that its process has to end.
    pub fn is_device_failure(&self) -> bool {
        matches!(self, Self::Engine(EngineError::Device { .. }))
    }
}
