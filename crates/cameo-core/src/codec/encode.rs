//! Pixels to image bytes: PNG and lossless WebP.

use image::ImageEncoder;
use image::codecs::webp::WebPEncoder;

use super::color::Profile;
use super::encoding::{Compression, Encoding, Format};
use super::error::CodecError;
use super::picture::Image;
use super::png_bands::zlib_stream;
use super::sample::{Depth, Sample};

/// Encodes an RGBA image with straight alpha. A PNG without a `profile` is tagged as sRGB. No metadata of the input is
/// written.
///
/// # Errors
/// [`CodecError::Encode`] if the encoder refuses: for a side longer than [`Format::max_side`], or 16-bit samples in a
/// WebP.
pub fn encode<T: Sample>(
    image: &Image<T>,
    encoding: impl Into<Encoding>,
    profile: Option<&Profile>,
) -> Result<Vec<u8>, CodecError> {
    let Encoding { format, compression } = encoding.into();
    let Image { width, height, pixels } = image;
    match format {
        Format::Png => png(*width, *height, png::ColorType::Rgba, pixels, profile, compression),
        Format::WebP => webp(*width, *height, image::ExtendedColorType::Rgba8, pixels, profile),
    }
}

/// Encodes the alpha channel of an image as a grey image: white is the subject.
///
/// # Errors
/// As [`encode`].
pub fn encode_matte<T: Sample>(image: &Image<T>, encoding: impl Into<Encoding>) -> Result<Vec<u8>, CodecError> {
    let Encoding { format, compression } = encoding.into();
    let alpha: Vec<T> = image.pixels.as_chunks::<4>().0.iter().map(|pixel| pixel[3]).collect();
    match format {
        Format::Png => png(image.width, image.height, png::ColorType::Grayscale, &alpha, None, compression),
        Format::WebP => webp(image.width, image.height, image::ExtendedColorType::L8, &alpha, None),
    }
}

fn png<T: Sample>(
    width: u32,
    height: u32,
    color: png::ColorType,
    samples: &[T],
    profile: Option<&Profile>,
    compression: Compression,
) -> Result<Vec<u8>, CodecError> {
    let failed = |error: &dyn std::fmt::Display| CodecError::Encode { format: "PNG", reason: error.to_string() };
    let mut info = png::Info::with_size(width, height);
    info.color_type = color;
    info.icc_profile = profile.map(|profile| profile.icc().into());
    if T::DEPTH == Depth::Sixteen {
        info.bit_depth = png::BitDepth::Sixteen;
    }
    let mut out = Vec::new();
    let mut encoder = png::Encoder::with_info(&mut out, info).map_err(|error| failed(&error))?;
    if profile.is_none() {
        encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    }
    let mut writer = encoder.write_header().map_err(|error| failed(&error))?;
    let parts = zlib_stream(samples, width as usize, color.samples(), compression);
    for part in parts.map_err(|error| failed(&error.as_str()))? {
        writer.write_chunk(png::chunk::IDAT, &part).map_err(|error| failed(&error))?;
    }
    writer.finish().map_err(|error| failed(&error))?;
    Ok(out)
}

fn webp<T: Sample>(
    width: u32,
    height: u32,
    color: image::ExtendedColorType,
    samples: &[T],
    profile: Option<&Profile>,
) -> Result<Vec<u8>, CodecError> {
    let failed = |error: &dyn std::fmt::Display| CodecError::Encode { format: "WebP", reason: error.to_string() };
    if T::DEPTH != Depth::Eight {
        return Err(failed(&"WebP has 8 bits per channel, the result has 16: use PNG, or a depth of 8"));
    }
    let mut out = Vec::new();
    let mut encoder = WebPEncoder::new_lossless(&mut out);
    if let Some(profile) = profile {
        encoder.set_icc_profile(profile.icc().to_vec()).map_err(|error| failed(&error))?;
    }
    encoder.write_image(bytemuck::cast_slice(samples), width, height, color).map_err(|error| failed(&error))?;
    Ok(out)
}
