//! Image bytes to upright 8-bit RGBA.

use std::panic::{AssertUnwindSafe, catch_unwind};

use image::{DynamicImage, ImageFormat};

use super::color::{self, Profile};
use super::decoded::{Decoded, decode_with_image_crate};
use super::error::CodecError;
use super::format::readable_format;
use super::jpeg::decode_jpeg;
use super::limits::InputLimits;
use super::picture::Image;
use super::png::decode_png;
use super::tiff::decode_tiff;

/// Decodes the image `bytes` to upright 8-bit sRGB with straight alpha; of an animation, the first frame.
///
/// The EXIF orientation is applied, colours of any ICC profile are converted to sRGB, and 16-bit samples are rounded to
/// 8 bits. No other metadata is kept. The format is recognised by the content, never by a file name.
///
/// # Errors
/// [`CodecError::Empty`], [`CodecError::UnknownFormat`], [`CodecError::Unsupported`], [`CodecError::TooLarge`] or
/// [`CodecError::Undecodable`]; never a panic.
pub fn decode(bytes: &[u8], limits: &InputLimits) -> Result<Image, CodecError> {
    decode_file(bytes, limits).map(|decoded| normalise(decoded, false).0)
}

/// Decodes as [`decode`] does, but keeps the colour values of a Display P3 photo and returns the profile they need.
///
/// # Errors
/// As [`decode`].
pub fn decode_keeping_p3(bytes: &[u8], limits: &InputLimits) -> Result<(Image, Option<Profile>), CodecError> {
    decode_file(bytes, limits).map(|decoded| normalise(decoded, true))
}

fn decode_file(bytes: &[u8], limits: &InputLimits) -> Result<Decoded, CodecError> {
    limits.check_bytes(bytes.len() as u64)?;
    let format = readable_format(bytes)?;
    // The decoders are memory-safe, but their documentation warns that some panic on malicious files.
    let decoded = catch_unwind(AssertUnwindSafe(|| match format {
        ImageFormat::Png => decode_png(bytes, limits),
        ImageFormat::Jpeg => decode_jpeg(bytes, limits),
        ImageFormat::Tiff => decode_tiff(bytes, limits),
        _ => decode_with_image_crate(bytes, format, limits),
    }));
    decoded.unwrap_or_else(|_| Err(CodecError::Undecodable("its decoder panicked".into())))
}

/// Converts colours to sRGB at the file's own bit depth, then to 8 bits, then applies the orientation. `keep_p3` leaves
/// Display P3 colours unchanged.
fn normalise(decoded: Decoded, keep_p3: bool) -> (Image, Option<Profile>) {
    let Decoded { picture, icc, orientation } = decoded;
    let has_color = picture.color().has_color();
    let kept = icc.as_deref().filter(|_| keep_p3 && has_color).and_then(Profile::of_display_p3);
    let icc = icc.as_deref().filter(|_| kept.is_none());
    let (width, height) = (picture.width(), picture.height());
    let pixels = srgb_pixels(picture, icc);
    let buffer = image::RgbaImage::from_raw(width, height, pixels).expect("four bytes per pixel");
    let mut picture = DynamicImage::ImageRgba8(buffer);
    picture.apply_orientation(orientation);
    let image = Image { width: picture.width(), height: picture.height(), pixels: picture.into_rgba8().into_raw() };
    (image, kept)
}

/// Converts `picture` to 8-bit sRGB RGBA.
fn srgb_pixels(picture: DynamicImage, icc: Option<&[u8]>) -> Vec<u8> {
    let rgba8 = |picture: DynamicImage| picture.into_rgba8().into_raw();
    let to_8_bits = |samples: Vec<u16>| samples.into_iter().map(rounded_to_8_bits).collect();
    match (icc, &picture) {
        (None, _) => rgba8(picture),
        (Some(icc), DynamicImage::ImageLuma8(_) | DynamicImage::ImageLumaA8(_)) => {
            let grey = picture.to_luma_alpha8().into_raw();
            color::srgb_from_grey8(&grey, icc).unwrap_or_else(|| rgba8(picture))
        }
        (Some(icc), DynamicImage::ImageLuma16(_) | DynamicImage::ImageLumaA16(_)) => {
            let grey = picture.to_luma_alpha16().into_raw();
            color::srgb_from_grey16(&grey, icc).map_or_else(|| rgba8(picture), to_8_bits)
        }
        (Some(icc), DynamicImage::ImageRgb16(_) | DynamicImage::ImageRgba16(_)) => {
            let mut samples = picture.into_rgba16().into_raw();
            color::srgb_from_rgba16(&mut samples, icc);
            to_8_bits(samples)
        }
        (Some(icc), _) => {
            let mut pixels = rgba8(picture);
            color::srgb_from_rgba8(&mut pixels, icc);
            pixels
        }
    }
}

fn rounded_to_8_bits(value: u16) -> u8 {
    ((u32::from(value) + 128) / 257) as u8
}
