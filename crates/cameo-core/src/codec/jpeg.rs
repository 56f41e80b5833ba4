//! JPEG decoding: colour images straight to RGBA, and CMYK images with their profile, which the `image` crate does not
//! hand over. The rest, above all grey, is left to the `image` crate.

use std::io::{BufRead, Seek};

use image::metadata::Orientation;
use image::{DynamicImage, ImageFormat};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::color;
use super::decoded::{Decoded, decode_with_image_crate, exif_orientation, undecodable};
use super::error::CodecError;
use super::limits::InputLimits;

/// The size limits are Cameo's own, because its messages explain them.
fn options() -> DecoderOptions {
    DecoderOptions::default().set_strict_mode(false).set_max_width(usize::MAX).set_max_height(usize::MAX)
}

/// Returns width and height from the frame header.
pub(super) fn size(file: impl BufRead + Seek) -> Result<(u32, u32), CodecError> {
    let mut decoder = JpegDecoder::new_with_options(file, options());
    decoder.decode_headers().map_err(undecodable)?;
    let (width, height) = decoder.dimensions().ok_or_else(|| undecodable("it has no frame header"))?;
    Ok((width as u32, height as u32))
}

/// Decodes a baseline or progressive JPEG.
pub(super) fn decode_jpeg(bytes: &[u8], limits: &InputLimits) -> Result<Decoded, CodecError> {
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options());
    decoder.decode_headers().map_err(undecodable)?;
    let (width, height) = decoder.dimensions().ok_or_else(|| undecodable("it has no frame header"))?;
    limits.check_size(width as u32, height as u32)?;
    if !has_end_marker(bytes) {
        return Err(undecodable("its end is missing"));
    }
    let channels = match decoder.input_colorspace() {
        Some(ColorSpace::YCbCr) => ColorSpace::RGBA,
        Some(four_inks @ (ColorSpace::CMYK | ColorSpace::YCCK)) => four_inks,
        _ => return decode_with_image_crate(bytes, ImageFormat::Jpeg, limits),
    };
    limits.check_decoder_bytes(width as u64 * height as u64 * 4)?;
    // The decoder fixes its output colour space while it reads the headers, so a new one is needed.
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options().jpeg_set_out_colorspace(channels));
    let mut pixels = decoder.decode().map_err(undecodable)?;
    let mut icc = decoder.icc_profile();
    if channels != ColorSpace::RGBA {
        pixels = color::srgb_from_cmyk8(&cmyk_from_stored(pixels, channels), icc.take().as_deref());
    }
    let orientation = decoder.exif().map_or(Orientation::NoTransforms, |exif| exif_orientation(exif));
    let buffer = image::RgbaImage::from_raw(width as u32, height as u32, pixels)
        .ok_or_else(|| undecodable("its pixels do not fill its frame"))?;
    Ok(Decoded { picture: DynamicImage::ImageRgba8(buffer), icc, orientation })
}

/// Converts the four stored channels of each pixel to CMYK, 255 for full ink.
fn cmyk_from_stored(mut pixels: Vec<u8>, channels: ColorSpace) -> Vec<u8> {
    for pixel in pixels.as_chunks_mut::<4>().0 {
        if channels == ColorSpace::YCCK {
            *pixel = cmyk_from_ycck(*pixel);
        }
        // Every known writer follows Adobe, whose files store inverted inks.
        *pixel = pixel.map(|ink| 255 - ink);
    }
    pixels
}

/// Returns whether an end marker follows the entropy-coded data. Decoders fill what is missing with grey.
fn has_end_marker(bytes: &[u8]) -> bool {
    const START_OF_SCAN: u8 = 0xda;
    let mut position = 2;
    // The segments before the scan have lengths. A thumbnail in one of them has an end marker of its own.
    while let Some(&[0xff, marker, high, low]) = bytes.get(position..position + 4) {
        if marker == START_OF_SCAN {
            return bytes[position..].windows(2).any(|pair| pair == [0xff, 0xd9]);
        }
        // Any number of fill bytes may precede a marker.
        position += if marker == 0xff { 1 } else { 2 + u16::from_be_bytes([high, low]) as usize };
    }
    false
}

/// Converts YCCK to CMYK as stored: JFIF's YCbCr to RGB, complemented; black is unchanged.
fn cmyk_from_ycck([y, cb, cr, k]: [u8; 4]) -> [u8; 4] {
    let (y, cb, cr) = (y as f32, cb as f32 - 128.0, cr as f32 - 128.0);
    let ink = |tone: f32| (255.0 - tone + 0.5).clamp(0.0, 255.0) as u8;
    [ink(y + 1.402 * cr), ink(y - 0.344_136 * cb - 0.714_136 * cr), ink(y + 1.772 * cb), k]
}
