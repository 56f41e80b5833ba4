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
    if bytes.starts_with(b"II\x2b\0") || bytes.starts_with(b"MM\0\x2b") {
        // BigTIFF, which the `image` crate does not recognise.
        return Ok(ImageFormat::Tiff);
    }
    match image::guess_format(bytes) {
        Ok(format) if READABLE.contains(&format) => Ok(format),
        Ok(ImageFormat::Avif) => Err(CodecError::UnknownFormat("it is AVIF".into())),
        Ok(format) => Err(CodecError::UnknownFormat(format!("it is {format:?}"))),
        Err(_) => Err(CodecError::UnknownFormat(match foreign_format(bytes) {
            Some(name) => format!("it is {name}"),
            None => describe_start(bytes),
        })),
    }
}

/// Names formats that the `image` crate does not recognise but that people have photos in.
fn foreign_format(bytes: &[u8]) -> Option<&'static str> {
    // A file of the ISO base media format names its brand in its first box.
    if bytes.get(4..8) == Some(b"ftyp") {
        return Some(foreign_brand(bytes));
    }
    let starts: [(&[u8], &str); 9] = [
        (b"\xff\x0a", "JPEG XL"),
        (b"\0\0\0\x0cJXL ", "JPEG XL"),
        (b"\0\0\0\x0cjP  ", "JPEG 2000"),
        (b"\xff\x4f\xff\x51", "JPEG 2000"),
        (b"8BPS", "a Photoshop document"),
        (b"%PDF", "PDF"),
        (b"<svg", "SVG"),
        (b"<?xml", "SVG or another XML document"),
        (b"<!DOCTYPE", "a web page"),
    ];
    starts.into_iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, name)| name)
}

/// Names a format of the ISO base media format by the brands in its first box, the main one first.
fn foreign_brand(bytes: &[u8]) -> &'static str {
    let length = bytes.first_chunk::<4>().map_or(0, |length| u32::from_be_bytes(*length) as usize);
    let brands = bytes.get(8..length.min(bytes.len())).unwrap_or_default().as_chunks::<4>().0;
    let has = |names: &[&[u8; 4]]| brands.iter().any(|brand| names.contains(&brand));
    if has(&[b"avif", b"avis"]) {
        "AVIF"
    } else if has(&[b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"MiHB", b"MiPr"]) {
        "HEIC, as iPhones make it"
    } else if has(&[b"crx "]) {
        "a raw photo"
    } else {
        "a video"
    }
}

/// Quotes the first bytes of a file that is no image, so that its owner can recognise it.
fn describe_start(bytes: &[u8]) -> String {
    let text: String = bytes.iter().take(12).map(|&byte| byte as char).collect();
    format!("it begins with {text:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_that_photos_come_in_are_named() {
        for (start, name) in [
            (&b"\0\0\0\x1cftypheic\0\0\0\0"[..], "it is HEIC, as iPhones make it"),
            (b"\0\0\0\x20ftypmif1\0\0\0\0", "it is HEIC, as iPhones make it"),
            (b"\0\0\0\x20ftypavif\0\0\0\0", "it is AVIF"),
            (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif", "it is AVIF"),
            (b"\0\0\0\x18ftypisom\0\0\0\0mp41", "it is a video"),
            (b"\0\0\0\x0cJXL \r\n\x87\n", "it is JPEG XL"),
            (b"8BPS\0\x01", "it is a Photoshop document"),
            (b"P6 1 1 255\n", "it is Pnm"),
            (b"hello", "it begins with \"hello\""),
        ] {
            let error = readable_format(start).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
    }
}
