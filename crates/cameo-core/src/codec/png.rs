//! PNG decoding by its own crate, which can skip text chunks unread: they may expand a thousandfold.

use std::io::{BufRead, Cursor, Seek};

use image::DynamicImage;
use image::metadata::Orientation;
use zlib_rs::{Inflate, InflateFlush, Status};

use super::color::MAX_PROFILE_BYTES;
use super::decoded::{Decoded, undecodable};
use super::error::CodecError;
use super::exif;
use super::limits::InputLimits;
use super::png_color::{Channels, profile_of_png};

/// Returns width and height from the header.
pub(super) fn size(file: impl BufRead + Seek) -> Result<(u32, u32), CodecError> {
    let mut decoder = png::Decoder::new(file);
    let header = decoder.read_header_info().map_err(undecodable)?;
    Ok((header.width, header.height))
}

/// Decodes a PNG of any bit depth and colour type.
pub(super) fn decode_png(file: &[u8], limits: &InputLimits) -> Result<Decoded, CodecError> {
    check_palette(file)?;
    let decoder_limits = png::Limits { bytes: limits.max_decoder_bytes as usize };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(file), decoder_limits);
    decoder.set_ignore_text_chunk(true);
    // The crate would inflate a profile to gigabytes.
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(png::Transformations::EXPAND);
    let header = decoder.read_header_info().map_err(undecodable)?;
    limits.check_size(header.width, header.height)?;
    let mut reader = decoder.read_info().map_err(undecodable)?;
    let bytes = reader.output_buffer_size().ok_or_else(|| limits.decoder_limit_exceeded())?;
    limits.check_decoder_bytes(bytes as u64)?;
    let mut pixels = vec![0; bytes];
    let frame = reader.next_frame(&mut pixels).map_err(undecodable)?;
    pixels.truncate(frame.buffer_size());
    // The orientation may be stated behind the pixels. What is damaged there costs nothing else.
    let _ = reader.finish();
    let info = reader.info();
    let is_grey = matches!(frame.color_type, png::ColorType::Grayscale | png::ColorType::GrayscaleAlpha);
    let icc = profile_of_png(info, icc_profile(file), if is_grey { Channels::Grey } else { Channels::Rgb })?;
    let orientation = info.exif_metadata.as_ref().map_or(Orientation::NoTransforms, |exif| exif::orientation(exif));
    let picture = dynamic_image(&frame, pixels).ok_or_else(|| undecodable("its pixels do not fill its frame"))?;
    Ok(Decoded { picture, icc, orientation })
}

/// Refuses a palette whose last colour is incomplete, which png 0.18.1 panics on.
fn check_palette(file: &[u8]) -> Result<(), CodecError> {
    match chunk_before_pixels(file, *b"PLTE") {
        Some(palette) if palette.len() % 3 != 0 => Err(undecodable("its palette is cut short")),
        _ => Ok(()),
    }
}

/// Returns the ICC profile, unless it is damaged or too large to be one.
fn icc_profile(file: &[u8]) -> Option<Vec<u8>> {
    let data = chunk_before_pixels(file, *b"iCCP")?;
    // The compressed profile follows its name, a zero byte and the compression method, which is always zlib.
    inflate(data.get(data.iter().position(|&byte| byte == 0)? + 2..)?)
}

/// Returns the data of the first chunk of this type in front of the pixels.
fn chunk_before_pixels(file: &[u8], chunk: [u8; 4]) -> Option<&[u8]> {
    const SIGNATURE_BYTES: usize = 8;
    let mut rest = file.get(SIGNATURE_BYTES..)?;
    loop {
        let (&length, after) = rest.split_first_chunk::<4>()?;
        let (&kind, after) = after.split_first_chunk::<4>()?;
        let data = after.get(..u32::from_be_bytes(length) as usize)?;
        match kind {
            kind if kind == chunk => return Some(data),
            _ if kind == *b"IDAT" => return None,
            _ => rest = after.get(data.len() + 4..)?,
        }
    }
}

/// Inflates a profile of at most [`MAX_PROFILE_BYTES`].
fn inflate(compressed: &[u8]) -> Option<Vec<u8>> {
    const ZLIB: bool = true;
    let mut profile = vec![0; MAX_PROFILE_BYTES];
    let mut inflate = Inflate::new(ZLIB, 15);
    let status = inflate.decompress(compressed, &mut profile, InflateFlush::Finish).ok()?;
    profile.truncate(inflate.total_out() as usize);
    (status == Status::StreamEnd).then_some(profile)
}

/// Wraps the samples of a frame. `None` if they do not fill it.
fn dynamic_image(frame: &png::OutputInfo, pixels: Vec<u8>) -> Option<DynamicImage> {
    use image::ImageBuffer;
    use png::ColorType::{Grayscale, GrayscaleAlpha, Rgb, Rgba};
    let (width, height) = (frame.width, frame.height);
    // PNG is big-endian.
    let sixteen = |pixels: &[u8]| -> Vec<u16> {
        pixels.as_chunks::<2>().0.iter().map(|&bytes| u16::from_be_bytes(bytes)).collect()
    };
    match (frame.color_type, frame.bit_depth == png::BitDepth::Sixteen) {
        (Grayscale, false) => ImageBuffer::from_raw(width, height, pixels).map(DynamicImage::ImageLuma8),
        (GrayscaleAlpha, false) => ImageBuffer::from_raw(width, height, pixels).map(DynamicImage::ImageLumaA8),
        (Rgb, false) => ImageBuffer::from_raw(width, height, pixels).map(DynamicImage::ImageRgb8),
        (Rgba, false) => ImageBuffer::from_raw(width, height, pixels).map(DynamicImage::ImageRgba8),
        (Grayscale, true) => ImageBuffer::from_raw(width, height, sixteen(&pixels)).map(DynamicImage::ImageLuma16),
        (GrayscaleAlpha, true) => {
            ImageBuffer::from_raw(width, height, sixteen(&pixels)).map(DynamicImage::ImageLumaA16)
        }
        (Rgb, true) => ImageBuffer::from_raw(width, height, sixteen(&pixels)).map(DynamicImage::ImageRgb16),
        (Rgba, true) => ImageBuffer::from_raw(width, height, sixteen(&pixels)).map(DynamicImage::ImageRgba16),
        // EXPAND replaces palettes.
        (png::ColorType::Indexed, _) => None,
    }
}
