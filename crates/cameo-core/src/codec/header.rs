//! The size of an image from its header, so that it can be refused before any pixel is decoded.
//!
//! Headers are read by the same parsers as pixels: an image whose header is refused could not be decoded either.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use image::{ImageFormat, ImageReader};

use super::error::CodecError;
use super::format::readable_format;
use super::limits::InputLimits;
use super::{decoded::refusal, jpeg, png, tiff};

/// The size that an image's header states, in pixels, before its orientation is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageHeader {
    pub width: u32,
    pub height: u32,
}

/// Reads the header of the encoded image `bytes`.
///
/// # Errors
/// As [`decode`](super::decode). An image whose header is accepted may still turn out to be damaged further on.
pub fn header(bytes: &[u8], limits: &InputLimits) -> Result<ImageHeader, CodecError> {
    limits.check_bytes(bytes.len() as u64)?;
    read(Cursor::new(bytes), readable_format(bytes)?, limits)
}

/// Reads the header of the image file at `path`, and as little of the rest as the format allows.
///
/// # Errors
/// As [`header`], or [`CodecError::Io`].
pub fn header_of_file(path: &Path, limits: &InputLimits) -> Result<ImageHeader, CodecError> {
    let file = File::open(path)?;
    limits.check_bytes(file.metadata()?.len())?;
    let mut file = BufReader::new(file);
    let format = readable_format(file.fill_buf()?)?;
    file.rewind()?;
    read(file, format, limits)
}

fn read(file: impl BufRead + Seek, format: ImageFormat, limits: &InputLimits) -> Result<ImageHeader, CodecError> {
    let size = catch_unwind(AssertUnwindSafe(|| match format {
        ImageFormat::Png => png::size(file),
        ImageFormat::Jpeg => jpeg::size(file),
        ImageFormat::Tiff => tiff::size(file),
        _ => ImageReader::with_format(file, format).into_dimensions().map_err(|error| refusal(error, format)),
    }));
    let unreadable = || CodecError::Undecodable(format!("its {format:?} header is unreadable"));
    let (width, height) = size.map_err(|_| unreadable())??;
    limits.check_size(width, height)?;
    Ok(ImageHeader { width, height })
}
