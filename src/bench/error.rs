//! Why a measurement failed.

use cameo_core::codec::CodecError;
use cameo_core::pipeline::{EngineError, PipelineError};

#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    #[error("this system does not report the memory of a process: run the soak on Linux, macOS or Windows")]
    MemoryUnknown,
    #[error("{0} has no timestamps: leave out --gpu-times")]
    NoTimestamps(String),
    #[error("memory grows by more than {limit_kib} KiB per image, which is a leak: {summary}")]
    MemoryGrows { limit_kib: f64, summary: String },
}

impl From<CodecError> for BenchError {
    fn from(error: CodecError) -> Self {
        PipelineError::from(error).into()
    }
}

impl From<EngineError> for BenchError {
    fn from(error: EngineError) -> Self {
        PipelineError::from(error).into()
    }
}
