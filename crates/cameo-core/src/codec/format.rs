//! Which format an image has, by its first bytes.

use image::ImageFormat;

use super::error::CodecError;

const READABLE: [ImageFormat; 6] =
    [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Tiff, ImageFormat::Bmp, ImageFormat::Gif];

/// Returns the format of an image that begins with `bytes`.
///
/// # Errors
/// [`CodecError::UnknownFormat`] if it is none that Cameo reads.
pub(super) fn readable_format(bytes: &[u8]) -> Result<ImageFormat, CodecError> {
    let format = image::guess_format(bytes).map_err(|_| CodecError::UnknownFormat(describe_start(bytes)))?;
    if !READABLE.contains(&format) {
        let name = format.extensions_str().first().unwrap_or(&"another format");
        return Err(CodecError::UnknownFormat(format!("it is {name}")));
    }
    Ok(format)
}

/// Quotes the first bytes of a file that is no image, so that its owner can recognise it.
fn describe_start(bytes: &[u8]) -> String {
    let text: String = bytes.iter().take(12).map(|&byte| byte as char).collect();
    format!("it begins with {text:?}")
}
