//! JPEG decoding, mostly by zune-jpeg. Its strict mode reports damage instead of inventing pixels, but also refuses what
//! every viewer shows, so files are tidied before.

use std::io::{BufRead, Cursor, Seek};

use image::DynamicImage;
use image::metadata::Orientation;
use jpeg_decoder::PixelFormat;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::color;
use super::decoded::{Decoded, undecodable};
use super::error::CodecError;
use super::exif;
use super::jpeg_header::JpegHeader;
use super::jpeg_progressive::check_scans;
use super::jpeg_stream::{END_MARKER, Stream};
use super::limits::InputLimits;

/// Returns width and height from the frame header.
pub(super) fn size(file: impl BufRead + Seek) -> Result<(u32, u32), CodecError> {
    JpegHeader::read(file).map(|header| (header.width, header.height))
}

/// Decodes a baseline or progressive JPEG.
pub(super) fn decode_jpeg(bytes: &[u8], limits: &InputLimits) -> Result<Decoded, CodecError> {
    let header = JpegHeader::read(Cursor::new(bytes))?;
    limits.check_size(header.width, header.height)?;
    limits.check_decoder_bytes(u64::from(header.width) * u64::from(header.height) * 4)?;
    let mut bytes = tidied(bytes, header)?;
    let decoded = decode_with_zune(&bytes, header)?;
    if !header.separate_scans {
        return Ok(decoded);
    }
    // zune-jpeg has checked that nothing is missing, but it puts the blocks of such scans in the wrong places.
    drop(decoded);
    bytes.extend(END_MARKER);
    decode_with_jpeg_decoder(&bytes, limits)
}

/// Decodes a strip or tile of a TIFF to its stored components, interleaved: their colours are not converted.
///
/// `tables` is a stream that holds the tables which all strips share, or is empty. The strip may have more rows than
/// `rows`; they are returned as well.
///
/// # Errors
/// [`CodecError::Undecodable`] or [`CodecError::Unsupported`].
pub(super) fn decode_tiff_chunk(
    tables: &[u8],
    chunk: &[u8],
    [width, rows]: [usize; 2],
    components: usize,
) -> Result<Vec<u8>, CodecError> {
    // The tables end with an end marker, and the strip begins with a start marker.
    let tables = tables.strip_suffix(&END_MARKER).unwrap_or(tables);
    let joined = if tables.is_empty() { chunk.to_vec() } else { [tables, chunk.get(2..).unwrap_or(&[])].concat() };
    let header = JpegHeader::read(Cursor::new(&joined))?;
    if header.separate_scans {
        return Err(CodecError::Unsupported("TIFF whose JPEG strips have a scan for each component".into()));
    }
    let rows_fit = (rows..=rows + MAX_SPARE_ROWS).contains(&(header.height as usize));
    if header.width as usize != width || !rows_fit || usize::from(header.components) != components {
        return Err(undecodable("a JPEG strip or tile does not have the size that the file states"));
    }
    let bytes = tidied(&joined, header)?;
    let options = zune_options().jpeg_set_out_colorspace(stored_colors(&bytes)?);
    JpegDecoder::new_with_options(ZCursor::new(&bytes), options).decode().map_err(undecodable)
}

/// Rows of a JPEG strip or tile beyond the picture's bottom: a tile may be this much higher than the rest of it.
const MAX_SPARE_ROWS: usize = 4096;

/// Returns the segments and scans of a JPEG in the form in which zune-jpeg reports missing data.
fn tidied(file: &[u8], header: JpegHeader) -> Result<Vec<u8>, CodecError> {
    let Stream { mut bytes, has_end } = Stream::of(file)?;
    if header.progressive {
        if !has_end {
            return Err(undecodable("its end is missing"));
        }
        check_scans(&bytes)?;
        bytes.extend(END_MARKER);
    } else {
        // At an end marker, zune-jpeg takes missing blocks for grey ones. At the end of the data it reports them. The
        // last blocks of a whole image may need these bytes, because it reads ahead.
        bytes.extend([0; 8]);
    }
    Ok(bytes)
}

/// The size limits are Cameo's own, because its messages explain them. Strict mode reports damaged data.
fn zune_options() -> DecoderOptions {
    DecoderOptions::default().set_strict_mode(true).set_max_width(usize::MAX).set_max_height(usize::MAX)
}

/// Returns the colour space of the stored components. zune-jpeg fixes its output colour space while it reads the headers,
/// so what depends on this needs another decoder.
fn stored_colors(bytes: &[u8]) -> Result<ColorSpace, CodecError> {
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), zune_options());
    decoder.decode_headers().map_err(undecodable)?;
    decoder.input_colorspace().ok_or_else(|| undecodable("it has no frame header"))
}

/// Decodes with zune-jpeg, which converts colours straight to RGBA.
fn decode_with_zune(bytes: &[u8], header: JpegHeader) -> Result<Decoded, CodecError> {
    let colors = match stored_colors(bytes)? {
        kept @ (ColorSpace::CMYK | ColorSpace::YCCK) if header.components == 4 => kept,
        kept @ (ColorSpace::Luma | ColorSpace::RGB) => kept,
        // Some files of three components name YCCK, and mean YCbCr.
        _ => ColorSpace::RGBA,
    };
    let options = zune_options().jpeg_set_out_colorspace(colors);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let pixels = decoder.decode().map_err(undecodable)?;
    let (width, height) = decoder.dimensions().ok_or_else(|| undecodable("it has no frame header"))?;
    let icc = decoder.icc_profile();
    let layout = match colors {
        ColorSpace::Luma => PixelLayout::Grey,
        ColorSpace::RGB => PixelLayout::Rgb,
        ColorSpace::CMYK | ColorSpace::YCCK => PixelLayout::Cmyk,
        _ => PixelLayout::Rgba,
    };
    let pixels = if layout == PixelLayout::Cmyk { cmyk_from_stored(pixels, colors) } else { pixels };
    decoded(pixels, layout, [width as u32, height as u32], icc, decoder.exif().map(Vec::as_slice))
}

/// Decodes with jpeg-decoder.
fn decode_with_jpeg_decoder(bytes: &[u8], limits: &InputLimits) -> Result<Decoded, CodecError> {
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    decoder.set_max_decoding_buffer_size(usize::try_from(limits.max_decoder_bytes).unwrap_or(usize::MAX));
    let pixels = decoder.decode().map_err(|error| match error {
        jpeg_decoder::Error::Unsupported(feature) => CodecError::Unsupported(format!("JPEG with {feature:?}")),
        other => undecodable(other),
    })?;
    let info = decoder.info().ok_or_else(|| undecodable("it has no frame header"))?;
    let (pixels, layout) = match info.pixel_format {
        PixelFormat::L8 => (pixels, PixelLayout::Grey),
        PixelFormat::RGB24 => (pixels, PixelLayout::Rgb),
        PixelFormat::CMYK32 => (pixels.into_iter().map(|ink| 255 - ink).collect(), PixelLayout::Cmyk),
        PixelFormat::L16 => return Err(CodecError::Unsupported("JPEG with 16 bits per channel".into())),
    };
    let size = [info.width.into(), info.height.into()];
    decoded(pixels, layout, size, decoder.icc_profile(), decoder.exif_data())
}

/// The channels of decoded pixels, 8 bits each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PixelLayout {
    Grey,
    Rgb,
    Rgba,
    /// 255 for full ink.
    Cmyk,
}

fn decoded(
    pixels: Vec<u8>,
    layout: PixelLayout,
    [width, height]: [u32; 2],
    mut icc: Option<Vec<u8>>,
    exif: Option<&[u8]>,
) -> Result<Decoded, CodecError> {
    let rgba = |pixels| image::RgbaImage::from_raw(width, height, pixels).map(DynamicImage::from);
    let picture = match layout {
        PixelLayout::Grey => image::GrayImage::from_raw(width, height, pixels).map(DynamicImage::from),
        PixelLayout::Rgb => image::RgbImage::from_raw(width, height, pixels).map(DynamicImage::from),
        PixelLayout::Rgba => rgba(pixels),
        PixelLayout::Cmyk => rgba(color::srgb_from_cmyk8(&pixels, icc.take().as_deref())),
    };
    let picture = picture.ok_or_else(|| undecodable("its pixels do not fill its frame"))?;
    let orientation = exif.map_or(Orientation::NoTransforms, exif::orientation);
    Ok(Decoded { picture, icc, orientation })
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

/// Converts YCCK to CMYK as stored: JFIF's YCbCr to RGB, complemented; black is unchanged.
fn cmyk_from_ycck([y, cb, cr, k]: [u8; 4]) -> [u8; 4] {
    let (y, cb, cr) = (y as f32, cb as f32 - 128.0, cr as f32 - 128.0);
    let ink = |tone: f32| (255.0 - tone + 0.5).clamp(0.0, 255.0) as u8;
    [ink(y + 1.402 * cr), ink(y - 0.344_136 * cb - 0.714_136 * cr), ink(y + 1.772 * cb), k]
}
