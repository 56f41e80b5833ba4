//! Bytes to an upright sRGB picture, with every limit checked before memory is taken.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};

use super::Image;
use super::color::{self, Profile};
use super::header::readable;
use super::jpeg::decode_jpeg;
use crate::error::{Error, Result};

/// What a picture may cost. Checked on the header, before any pixel is decoded.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Encoded size.
    pub max_bytes: usize,
    pub max_pixels: u64,
    /// Width and height, in pixels.
    pub max_side: u32,
    /// What a decoder may allocate, in bytes.
    pub max_decoder_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 512 << 20, max_pixels: 50_000_000, max_side: 16_384, max_decoder_bytes: 1 << 30 }
    }
}

/// EXIF larger than this is ignored, orientation and all: JPEG itself allows no more in one segment.
const MAX_EXIF_BYTES: usize = 64 << 10;

/// Decodes the picture in `bytes` (of an animation, the first frame).
///
/// EXIF orientation is applied, ICC colours become sRGB, 16 bits become 8; nothing else of the metadata is kept.
/// The format is told by the content, never by a name.
///
/// # Errors
/// [`Error::Empty`], [`Error::UnknownFormat`], [`Error::TooLarge`] or [`Error::Undecodable`]; never a panic.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Image> {
    read(bytes, limits, false).map(|(image, _)| image)
}

/// The same, but colours in Display P3 are left as they are, and the profile that they need comes along.
///
/// # Errors
/// As [`decode`].
pub fn decode_keeping(bytes: &[u8], limits: &Limits) -> Result<(Image, Option<Profile>)> {
    read(bytes, limits, true)
}

fn read(bytes: &[u8], limits: &Limits, keep: bool) -> Result<(Image, Option<Profile>)> {
    if bytes.is_empty() {
        return Err(Error::Empty);
    }
    if bytes.len() > limits.max_bytes {
        return Err(Error::TooLarge(format!(
            "it has {} bytes, the limit is {}: save it with less resolution or stronger compression",
            bytes.len(),
            limits.max_bytes
        )));
    }
    let format = readable(bytes)?;
    // The decoders are pure Rust and safe, but say themselves that some panic on hostile files.
    let decoded = catch_unwind(AssertUnwindSafe(|| match format {
        ImageFormat::Png => decode_png(bytes, limits),
        ImageFormat::Jpeg => decode_jpeg(bytes, limits),
        _ => decode_any(bytes, format, limits),
    }));
    let decoded = decoded.unwrap_or_else(|_| Err(Error::Undecodable("its decoder gave up".into())))?;
    Ok(upright(decoded, keep))
}

/// A picture as its file has it.
pub(super) struct Decoded {
    pub picture: DynamicImage,
    /// What its colours are; none for sRGB.
    pub icc: Option<Vec<u8>>,
    pub orientation: Orientation,
}

/// The decoder's reason, on one short line.
pub(super) fn undecodable(error: impl std::fmt::Display) -> Error {
    let words = error.to_string();
    let reason: String = words.split_whitespace().collect::<Vec<_>>().join(" ");
    Error::Undecodable(reason.trim_matches('"').chars().take(160).collect())
}

pub(super) fn check_size(width: u32, height: u32, limits: &Limits) -> Result<()> {
    if width == 0 || height == 0 {
        return Err(Error::Undecodable(format!("its size is {width}x{height}")));
    }
    if width.max(height) > limits.max_side {
        return Err(Error::TooLarge(format!(
            "it is {width}x{height}, a side may have {} pixels: scale it down first",
            limits.max_side
        )));
    }
    let pixels = width as u64 * height as u64;
    if pixels > limits.max_pixels {
        return Err(Error::TooLarge(format!(
            "it is {width}x{height} ({:.1} megapixels), the limit is {:.1} megapixels: scale it down first",
            pixels as f64 / 1e6,
            limits.max_pixels as f64 / 1e6
        )));
    }
    Ok(())
}

/// Everything but PNG and JPEG, through `image`.
pub(super) fn decode_any(bytes: &[u8], format: ImageFormat, limits: &Limits) -> Result<Decoded> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut cost = image::Limits::default();
    cost.max_image_width = Some(limits.max_side);
    cost.max_image_height = Some(limits.max_side);
    cost.max_alloc = Some(limits.max_decoder_bytes);
    reader.limits(cost);
    let decoder = reader.into_decoder().map_err(|error| refused(error, limits))?;
    finish(decoder, limits)
}

fn refused(error: image::ImageError, limits: &Limits) -> Error {
    match error {
        image::ImageError::Limits(_) => Error::TooLarge(format!(
            "decoding it would pass {} pixels a side or {} MiB of memory: scale it down first",
            limits.max_side,
            limits.max_decoder_bytes >> 20
        )),
        other => undecodable(other),
    }
}

/// Refuses pixels of so many bytes if they are more than a decoder may allocate.
pub(super) fn check_cost(bytes: u64, limits: &Limits) -> Result<()> {
    if bytes <= limits.max_decoder_bytes {
        return Ok(());
    }
    let kind = image::error::LimitErrorKind::InsufficientMemory;
    Err(refused(image::ImageError::Limits(image::error::LimitError::from_kind(kind)), limits))
}

fn finish(mut decoder: impl ImageDecoder, limits: &Limits) -> Result<Decoded> {
    let (width, height) = decoder.dimensions();
    check_size(width, height, limits)?;
    check_cost(decoder.total_bytes(), limits)?;
    let icc = decoder.icc_profile().unwrap_or_default();
    let exif = decoder.exif_metadata().unwrap_or_default();
    // TIFF keeps its orientation in a tag of its own, not in an EXIF block.
    let orientation = match &exif {
        Some(exif) => orientation_of(exif),
        None => decoder.orientation().unwrap_or(Orientation::NoTransforms),
    };
    let picture = DynamicImage::from_decoder(decoder).map_err(|error| refused(error, limits))?;
    Ok(Decoded { picture, icc, orientation })
}

pub(super) fn orientation_of(exif: &[u8]) -> Orientation {
    let small = exif.len() <= MAX_EXIF_BYTES;
    small.then(|| Orientation::from_exif_chunk(exif)).flatten().unwrap_or(Orientation::NoTransforms)
}

/// Colours to sRGB at the depth the file has, then 8 bits, then the orientation. To `keep` leaves Display P3 be.
fn upright(decoded: Decoded, keep: bool) -> (Image, Option<Profile>) {
    let Decoded { picture, icc, orientation } = decoded;
    let kept = icc.as_deref().filter(|_| keep && picture.color().has_color()).and_then(Profile::of_display_p3);
    let icc = icc.as_deref().filter(|_| kept.is_none());
    let rgba = |picture: DynamicImage| picture.into_rgba8().into_raw();
    let (width, height) = (picture.width(), picture.height());
    let pixels = match (icc, &picture) {
        (None, _) => rgba(picture),
        (Some(icc), DynamicImage::ImageLuma8(_) | DynamicImage::ImageLumaA8(_)) => {
            let grey = picture.to_luma_alpha8().into_raw();
            color::srgb_from_grey8(&grey, icc).unwrap_or_else(|| rgba(picture))
        }
        (Some(icc), DynamicImage::ImageLuma16(_) | DynamicImage::ImageLumaA16(_)) => {
            let grey = picture.to_luma_alpha16().into_raw();
            match color::srgb_from_grey16(&grey, icc) {
                Some(wide) => wide.into_iter().map(narrow).collect(),
                None => rgba(picture),
            }
        }
        (Some(icc), DynamicImage::ImageRgb16(_) | DynamicImage::ImageRgba16(_)) => {
            let mut wide = picture.into_rgba16().into_raw();
            color::srgb_from_rgba16(&mut wide, icc);
            wide.into_iter().map(narrow).collect()
        }
        (Some(icc), _) => {
            let mut pixels = rgba(picture);
            color::srgb_from_rgba8(&mut pixels, icc);
            pixels
        }
    };
    let buffer = image::RgbaImage::from_raw(width, height, pixels).expect("four bytes a pixel");
    let mut picture = DynamicImage::ImageRgba8(buffer);
    picture.apply_orientation(orientation);
    let image = Image { width: picture.width(), height: picture.height(), pixels: picture.into_rgba8().into_raw() };
    (image, kept)
}

/// 16 bits to 8, rounded.
fn narrow(value: u16) -> u8 {
    ((value as u32 + 128) / 257) as u8
}

/// PNG through its own crate: text chunks, which can expand a thousandfold, are skipped unread.
fn decode_png(bytes: &[u8], limits: &Limits) -> Result<Decoded> {
    let cost = png::Limits { bytes: limits.max_decoder_bytes as usize };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), cost);
    decoder.set_ignore_text_chunk(true);
    decoder.set_transformations(png::Transformations::EXPAND);
    let header = decoder.read_header_info().map_err(undecodable)?;
    check_size(header.width, header.height, limits)?;
    let mut reader = decoder.read_info().map_err(undecodable)?;
    let size = reader.output_buffer_size().filter(|&size| size as u64 <= limits.max_decoder_bytes);
    let size = size.ok_or_else(|| Error::TooLarge("decoding it would take too much memory".into()))?;
    let mut pixels = vec![0; size];
    let frame = reader.next_frame(&mut pixels).map_err(undecodable)?;
    pixels.truncate(frame.buffer_size());
    let info = reader.info();
    let icc = info.icc_profile.as_ref().map(|icc| icc.to_vec());
    let orientation = info.exif_metadata.as_ref().map_or(Orientation::NoTransforms, |exif| orientation_of(exif));
    let picture = dynamic(frame.width, frame.height, frame.color_type, frame.bit_depth, pixels)
        .ok_or_else(|| undecodable("its pixels do not fill its frame"))?;
    Ok(Decoded { picture, icc, orientation })
}

fn dynamic(
    width: u32,
    height: u32,
    color: png::ColorType,
    depth: png::BitDepth,
    pixels: Vec<u8>,
) -> Option<DynamicImage> {
    use image::ImageBuffer;
    use png::ColorType::{Grayscale, GrayscaleAlpha, Rgb, Rgba};
    // PNG is big-endian.
    let wide = |pixels: &[u8]| -> Vec<u16> {
        pixels.as_chunks::<2>().0.iter().map(|&bytes| u16::from_be_bytes(bytes)).collect()
    };
    match (color, depth == png::BitDepth::Sixteen) {
        (Grayscale, false) => ImageBuffer::from_raw(width, height, pixels).map(DynamicImage::ImageLuma8),
        (GrayscaleAlpha, false) => ImageBuffer::from_raw(width, height, pixels).map(DynamicImage::ImageLumaA8),
        (Rgb, false) => ImageBuffer::from_raw(width, height, pixels).map(DynamicImage::ImageRgb8),
        (Rgba, false) => ImageBuffer::from_raw(width, height, pixels).map(DynamicImage::ImageRgba8),
        (Grayscale, true) => ImageBuffer::from_raw(width, height, wide(&pixels)).map(DynamicImage::ImageLuma16),
        (GrayscaleAlpha, true) => ImageBuffer::from_raw(width, height, wide(&pixels)).map(DynamicImage::ImageLumaA16),
        (Rgb, true) => ImageBuffer::from_raw(width, height, wide(&pixels)).map(DynamicImage::ImageRgb16),
        (Rgba, true) => ImageBuffer::from_raw(width, height, wide(&pixels)).map(DynamicImage::ImageRgba16),
        // EXPAND leaves no palette.
        (png::ColorType::Indexed, _) => None,
    }
}
