//! Why a command failed, as one sentence for the person who typed it.

use std::path::{Path, PathBuf};

use cameo_core::codec::CodecError;
use cameo_core::pipeline::{EngineError, PipelineError, RecipeError};
use cameo_service::http::ServerError;
use cameo_service::secrets::SecretsError;
use cameo_store::StoreError;

use crate::bench::BenchError;

pub type Result<T> = std::result::Result<T, CliError>;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The command line asks for something impossible.
    #[error("{0}")]
    Usage(String),
    /// There is no adapter of the kind that was asked for.
    #[error("{0}")]
    NoDevice(String),
    /// The GPU that was asked for computes something wrong.
    #[error("{error}; do not trust the results of {adapter}: use --device cpu")]
    WrongGpu { adapter: String, error: EngineError },
    #[error("cannot {action} {path}: {reason}", path = .path.display())]
    File { action: &'static str, path: PathBuf, reason: String },
    #[error("the data folder {folder} cannot be used: {reason}", folder = .folder.display())]
    DataFolder { folder: PathBuf, reason: String },
    #[error("the async runtime cannot be started: {0}")]
    Runtime(std::io::Error),
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error(transparent)]
    Bench(#[from] BenchError),
}

impl CliError {
    /// Returns the error for a failed file operation; `action` is a verb, as in "cannot {action} {path}".
    pub fn file(action: &'static str, path: &Path, reason: impl ToString) -> Self {
        Self::File { action, path: path.to_path_buf(), reason: reason.to_string() }
    }
}

impl From<CodecError> for CliError {
    fn from(error: CodecError) -> Self {
        Self::Pipeline(error.into())
    }
}

impl From<RecipeError> for CliError {
    fn from(error: RecipeError) -> Self {
        Self::Pipeline(error.into())
    }
}
