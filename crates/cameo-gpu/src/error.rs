//! Failures of this engine.

use cameo_core::pipeline::EngineError;

/// Returns the error of a device that failed for `reason`.
pub fn device_error(reason: impl ToString) -> EngineError {
    EngineError::Device { engine: "GPU", reason: reason.to_string() }
}
