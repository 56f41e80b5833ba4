//! Failures of this engine.

use cameo_core::pipeline::EngineError;

/// Returns the error of a CPU engine that failed for `reason`.
pub fn device_error(reason: impl ToString) -> EngineError {
    EngineError::Device { engine: "CPU", reason: reason.to_string() }
}
