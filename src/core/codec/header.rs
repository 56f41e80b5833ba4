//! What a picture's header says of it: enough to refuse it before anything is decoded.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Seek};
use std::panic::{UnwindSafe, catch_unwind};
use std::path::Path;

use image::ImageFormat;

use super::Limits;
use super::decode::check_size;
use crate::error::{Error, Result};

/// Size in pixels, before any orientation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub width: u32,
    pub height: u32,
}

/// Reads the header of the picture in a file, and as little else as its format allows.
///
/// # Errors
/// As [`super::decode`]; a picture that passes can still turn out to be damaged further on.
pub fn header(path: &Path, limits: &Limits) -> Result<Header> {
    let failed = |error: std::io::Error| Error::file("read", path, error);
    let mut file = BufReader::new(File::open(path).map_err(failed)?);
    let first = file.fill_buf().map_err(failed)?.to_vec();
    file.rewind().map_err(failed)?;
    read(file, &first, limits)
}

/// The same of a picture in memory.
///
/// # Errors
/// As [`header`].
pub fn header_of(bytes: &[u8], limits: &Limits) -> Result<Header> {
    read(Cursor::new(bytes), bytes, limits)
}

/// `first` is what `file` begins with.
fn read(file: impl BufRead + Seek + UnwindSafe, first: &[u8], limits: &Limits) -> Result<Header> {
    if first.is_empty() {
        return Err(Error::Empty);
    }
    let format = readable(first)?;
    let size = catch_unwind(move || imagesize::reader_size(file));
    let size = size.ok().and_then(|size| size.ok()).filter(|size| size.width > 0 && size.height > 0);
    let size = size.ok_or_else(|| Error::Undecodable(format!("its {format:?} header is unreadable")))?;
    let sides = (u32::try_from(size.width), u32::try_from(size.height));
    let (Ok(width), Ok(height)) = sides else { return Err(Error::TooLarge(opening(first))) };
    check_size(width, height, limits)?;
    Ok(Header { width, height })
}

const READABLE: [ImageFormat; 6] =
    [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Tiff, ImageFormat::Bmp, ImageFormat::Gif];

/// The format of a picture that begins with `bytes`, if it is one that is read.
pub(super) fn readable(bytes: &[u8]) -> Result<ImageFormat> {
    let format = image::guess_format(bytes).map_err(|_| Error::UnknownFormat(opening(bytes)))?;
    if !READABLE.contains(&format) {
        return Err(Error::UnknownFormat(format!("it is {}", format.extensions_str().first().unwrap_or(&"another"))));
    }
    Ok(format)
}

/// The first bytes of something that is no image, for its owner to recognise.
pub(super) fn opening(bytes: &[u8]) -> String {
    let text: String = bytes.iter().take(12).map(|&byte| byte as char).collect();
    format!("it begins with {text:?}")
}
