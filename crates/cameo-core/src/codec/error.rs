//! Why image bytes could not be read or written.

/// Why image bytes could not be read or written. A message about an image says what to do.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    #[error("the image file is empty: choose another one")]
    Empty,
    #[error("Cameo does not read this format ({0}): use JPEG, PNG, WebP, TIFF, BMP or GIF")]
    UnknownFormat(String),
    /// A sound image of a kind that no decoder here reads.
    #[error("Cameo does not read {0}: save the image as an ordinary JPEG or as PNG")]
    Unsupported(String),
    #[error("the image is too large: {0}")]
    TooLarge(String),
    #[error("the image cannot be decoded because it is damaged or cut short: {0}")]
    Undecodable(String),
    /// The file of the image cannot be read; its content is not known to be wrong.
    #[error("the image file cannot be read: {0}")]
    Io(#[from] std::io::Error),
    #[error("the result cannot be encoded as {format}: {reason}")]
    Encode { format: &'static str, reason: String },
}

impl CodecError {
    /// Returns the stable name of this error for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty_file",
            Self::UnknownFormat(_) | Self::Unsupported(_) => "unsupported_image_format",
            Self::TooLarge(_) => "image_too_large",
            Self::Undecodable(_) => "undecodable_image",
            Self::Io(_) => "unreadable_file",
            Self::Encode { .. } => "encoding_failed",
        }
    }

    /// Returns whether another image would have been accepted.
    pub fn is_about_the_image(&self) -> bool {
        !matches!(self, Self::Io(_) | Self::Encode { .. })
    }
}
