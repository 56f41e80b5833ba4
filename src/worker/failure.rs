//! What a failure is called, and what is told of it to whom.

use crate::error::{Error, Fault};

pub fn stored(error: cameo_tasks::Error) -> Error {
    Error::Engine { engine: "store", reason: error.to_string() }
}

pub fn failed(error: impl ToString) -> Error {
    Error::Engine { engine: "chosen", reason: error.to_string() }
}

/// The failure's name for programs; the same as the API's for an image that it refuses itself.
pub fn code(error: &Error) -> &'static str {
    match error {
        Error::Empty => "empty_file",
        Error::UnknownFormat(_) => "unsupported_image_format",
        Error::TooLarge(_) => "image_too_large",
        Error::Undecodable(_) => "undecodable_image",
        Error::BadRecipe(_) => "invalid_parameter",
        _ => "engine_failed",
    }
}

/// What the task's owner is told: of the machine's troubles, only that there were some.
pub fn reason(error: &Error) -> String {
    match error.fault() {
        Fault::Machine => "the engine failed: submit the photo again, and if it fails again tell the operator".into(),
        Fault::Image | Fault::Wish => error.to_string(),
    }
}
