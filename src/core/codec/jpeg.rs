//! JPEG, whose four-ink kind no other decoder gives with its profile.

use image::metadata::Orientation;
use image::{DynamicImage, ImageFormat};
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::color;
use super::decode::{Decoded, Limits, check_cost, check_size, decode_any, orientation_of, undecodable};
use crate::error::Result;

/// JPEG: colours are decoded here, to the four channels they will have; four inks too, so that their profile can be used;
/// what is left, grey above all, by `image`.
pub(super) fn decode_jpeg(bytes: &[u8], limits: &Limits) -> Result<Decoded> {
    // The limits are ours to check, and to explain.
    let options = DecoderOptions::default().set_strict_mode(false).set_max_width(usize::MAX).set_max_height(usize::MAX);
    let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(undecodable)?;
    let (width, height) = decoder.dimensions().ok_or_else(|| undecodable("it has no frame header"))?;
    check_size(width as u32, height as u32, limits)?;
    if !jpeg_is_whole(bytes) {
        return Err(undecodable("its end is missing"));
    }
    let stored = decoder.input_colorspace();
    let channels = match stored {
        Some(ColorSpace::YCbCr) => ColorSpace::RGBA,
        Some(inks @ (ColorSpace::CMYK | ColorSpace::YCCK)) => inks,
        _ => return decode_any(bytes, ImageFormat::Jpeg, limits),
    };
    check_cost(width as u64 * height as u64 * 4, limits)?;
    // Anew: with the headers, a decoder also reads how it is to convert colours.
    let mut decoder =
        zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(bytes), options.jpeg_set_out_colorspace(channels));
    let mut pixels = decoder.decode().map_err(undecodable)?;
    let mut icc = decoder.icc_profile();
    if channels != ColorSpace::RGBA {
        pixels = color::srgb_from_cmyk8(&cmyk_from_stored(pixels, channels), icc.take().as_deref());
    }
    let orientation = decoder.exif().map_or(Orientation::NoTransforms, |exif| orientation_of(exif));
    let buffer = image::RgbaImage::from_raw(width as u32, height as u32, pixels)
        .ok_or_else(|| undecodable("its pixels do not fill its frame"))?;
    Ok(Decoded { picture: DynamicImage::ImageRgba8(buffer), icc, orientation })
}

/// CMYK, 255 for full ink, from what a file holds in `channels`.
fn cmyk_from_stored(mut pixels: Vec<u8>, channels: ColorSpace) -> Vec<u8> {
    for pixel in pixels.as_chunks_mut::<4>().0 {
        if channels == ColorSpace::YCCK {
            *pixel = cmyk_from_ycck(*pixel);
        }
        // Every known writer follows Adobe, whose files hold the inks inverted.
        *pixel = pixel.map(|ink| 255 - ink);
    }
    pixels
}

/// Whether the picture's data is followed by an end marker: decoders fill what is missing with grey.
fn jpeg_is_whole(bytes: &[u8]) -> bool {
    const START_OF_SCAN: u8 = 0xda;
    let mut at = 2;
    // The segments before the data have lengths; a thumbnail in one of them has an end marker of its own.
    while let Some(&[0xff, marker, high, low]) = bytes.get(at..at + 4) {
        if marker == START_OF_SCAN {
            return bytes[at..].windows(2).any(|pair| pair == [0xff, 0xd9]);
        }
        // Any number of fill bytes may stand before a marker.
        at += if marker == 0xff { 1 } else { 2 + u16::from_be_bytes([high, low]) as usize };
    }
    false
}

/// YCCK to CMYK as stored (JFIF's YCbCr to RGB, complemented; black as it is).
fn cmyk_from_ycck([y, cb, cr, k]: [u8; 4]) -> [u8; 4] {
    let (y, cb, cr) = (y as f32, cb as f32 - 128.0, cr as f32 - 128.0);
    let ink = |tone: f32| (255.0 - tone + 0.5).clamp(0.0, 255.0) as u8;
    [ink(y + 1.402 * cr), ink(y - 0.344_136 * cb - 0.714_136 * cr), ink(y + 1.772 * cb), k]
}
