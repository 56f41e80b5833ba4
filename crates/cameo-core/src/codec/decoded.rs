//! A decoded image before its colours and its orientation are normalised.

use image::error::{UnsupportedError, UnsupportedErrorKind};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader};

use super::error::CodecError;
use super::exif;
use super::limits::InputLimits;

/// An image as its file stores it.
pub(super) struct Decoded {
    pub picture: DynamicImage,
    /// The ICC profile of its colours; `None` for sRGB.
    pub icc: Option<Vec<u8>>,
    pub orientation: Orientation,
}

/// Returns [`CodecError::Undecodable`] with a decoder's reason on one short line.
pub(super) fn undecodable(error: impl std::fmt::Display) -> CodecError {
    CodecError::Undecodable(short_reason(error))
}

/// Returns a decoder's reason on one short line: some quote what they have read, which may be long.
pub(super) fn short_reason(error: impl std::fmt::Display) -> String {
    let text = error.to_string();
    let reason: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    reason.trim_matches('"').chars().take(160).collect()
}

/// Converts an error of the `image` crate: what is unsupported is not damaged.
pub(super) fn refusal(error: ImageError, format: ImageFormat) -> CodecError {
    match error {
        ImageError::Unsupported(reason) if !is_about_size(&reason) => {
            CodecError::Unsupported(format!("this kind of {format:?} ({})", short_reason(reason)))
        }
        other => undecodable(other),
    }
}

/// Decodes `bytes` with the `image` crate: WebP, BMP and GIF.
pub(super) fn decode_with_image_crate(
    bytes: &[u8],
    format: ImageFormat,
    limits: &InputLimits,
) -> Result<Decoded, CodecError> {
    let refused = |error: ImageError| match error {
        ImageError::Limits(_) => limits.decoder_limit_exceeded(),
        other => refusal(other, format),
    };
    let mut decoder_limits = image::Limits::default();
    decoder_limits.max_image_width = Some(limits.max_side);
    decoder_limits.max_image_height = Some(limits.max_side);
    decoder_limits.max_alloc = Some(limits.max_decoder_bytes);
    let mut reader = ImageReader::with_format(std::io::Cursor::new(bytes), format);
    reader.limits(decoder_limits);
    let mut decoder = reader.into_decoder().map_err(refused)?;
    let (width, height) = decoder.dimensions();
    limits.check_size(width, height)?;
    limits.check_decoder_bytes(decoder.total_bytes())?;
    let icc = decoder.icc_profile().unwrap_or_default();
    let exif = decoder.exif_metadata().unwrap_or_default();
    let orientation = exif.as_deref().map_or(Orientation::NoTransforms, exif::orientation);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(refused)?;
    if format == ImageFormat::Bmp {
        show_hidden(&mut picture);
    }
    Ok(Decoded { picture, icc, orientation })
}

/// Makes a picture opaque of which nothing can be seen. Many programs write a BMP with room for alpha and leave it 0;
/// browsers ignore such an alpha.
fn show_hidden(picture: &mut DynamicImage) {
    if let DynamicImage::ImageRgba8(picture) = picture
        && picture.pixels().all(|pixel| pixel.0[3] == 0)
    {
        picture.pixels_mut().for_each(|pixel| pixel.0[3] = 255);
    }
}

/// Returns whether the `image` crate calls a size unsupported that no image can have, such as a width of 0.
fn is_about_size(error: &UnsupportedError) -> bool {
    matches!(error.kind(), UnsupportedErrorKind::GenericFeature(feature) if feature.starts_with("Image dimensions"))
}
