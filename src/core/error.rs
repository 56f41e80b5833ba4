//! What can go wrong, sorted by whose fault it is. Knows no HTTP and no exit codes.
//!
//! Every message is one sentence for the person who caused it or can mend it, and says what to do.

use std::path::PathBuf;

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    // The image.
    #[error("the image is empty: the file has no bytes")]
    Empty,
    #[error("this is not an image format Cameo reads ({0}): use JPEG, PNG, WebP, TIFF, BMP or GIF")]
    UnknownFormat(String),
    #[error("the image is too large: {0}")]
    TooLarge(String),
    #[error("the image cannot be decoded, it is damaged or cut short: {0}")]
    Undecodable(String),

    // The wish.
    #[error("{0}")]
    BadRecipe(String),

    /// Whoever watched the road ended it.
    #[error("the work was stopped")]
    Stopped,

    // The machine.
    #[error(transparent)]
    Models(#[from] cameo_models::Error),
    #[error("{0}")]
    NoDevice(String),
    #[error("the {engine} engine failed: {reason}")]
    Engine { engine: &'static str, reason: String },
    #[error("cannot {action} {path}: {reason}", path = .path.display())]
    File { action: &'static str, path: PathBuf, reason: String },
}

/// Who has to act before a retry can succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The bytes that were handed in.
    Image,
    /// The parameters that were handed in.
    Wish,
    /// The machine or its installation.
    Machine,
}

impl Error {
    pub fn fault(&self) -> Fault {
        match self {
            Error::Empty | Error::UnknownFormat(_) | Error::TooLarge(_) | Error::Undecodable(_) => Fault::Image,
            Error::BadRecipe(_) | Error::Stopped => Fault::Wish,
            Error::Models(_) | Error::NoDevice(_) | Error::Engine { .. } | Error::File { .. } => Fault::Machine,
        }
    }

    pub fn file(action: &'static str, path: &std::path::Path, reason: impl ToString) -> Self {
        Error::File { action, path: path.to_path_buf(), reason: reason.to_string() }
    }
}
