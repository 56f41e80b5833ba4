//! Pixels to bytes: PNG and lossless WebP.

use std::fmt;
use std::str::FromStr;

use image::ImageEncoder;
use image::codecs::webp::WebPEncoder;
use serde::{Deserialize, Serialize};

use super::Image;
use crate::error::{Error, Result};

/// What a result is written as; both are lossless and keep alpha.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    #[default]
    Png,
    WebP,
}

impl Format {
    pub const ALL: [Format; 2] = [Format::Png, Format::WebP];

    /// The name in flags, and the file extension.
    pub fn name(self) -> &'static str {
        match self {
            Format::Png => "png",
            Format::WebP => "webp",
        }
    }

    /// Pixels a side may have.
    pub fn max_side(self) -> u32 {
        match self {
            Format::Png => i32::MAX as u32,
            Format::WebP => 16_383,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> std::result::Result<Self, String> {
        let found = Self::ALL.into_iter().find(|format| format.name().eq_ignore_ascii_case(name));
        found.ok_or_else(|| format!("no output format is named {name:?}: use png or webp"))
    }
}

/// Encodes an RGBA picture; PNG carries an sRGB chunk, and nothing of the input's metadata is written.
///
/// # Errors
/// [`Error::Engine`] if the encoder refuses, as it does a side longer than [`Format::max_side`].
pub fn encode(image: &Image, format: Format) -> Result<Vec<u8>> {
    match format {
        Format::Png => png(image.width, image.height, png::ColorType::Rgba, &image.pixels),
        Format::WebP => webp(image.width, image.height, image::ExtendedColorType::Rgba8, &image.pixels),
    }
}

/// Encodes the alpha of a picture as a grey one: white is the subject.
pub fn encode_matte(image: &Image, format: Format) -> Result<Vec<u8>> {
    let alpha: Vec<u8> = image.pixels.as_chunks::<4>().0.iter().map(|pixel| pixel[3]).collect();
    match format {
        Format::Png => png(image.width, image.height, png::ColorType::Grayscale, &alpha),
        Format::WebP => webp(image.width, image.height, image::ExtendedColorType::L8, &alpha),
    }
}

fn png(width: u32, height: u32, color: png::ColorType, pixels: &[u8]) -> Result<Vec<u8>> {
    let failed = |error: png::EncodingError| Error::Engine { engine: "PNG", reason: error.to_string() };
    let mut out = Vec::with_capacity(pixels.len() / 4);
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(color);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    // zlib's default level takes 20 to 40 times as long for a tenth of the size.
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(pixels).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(out)
}

fn webp(width: u32, height: u32, color: image::ExtendedColorType, pixels: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    WebPEncoder::new_lossless(&mut out)
        .write_image(pixels, width, height, color)
        .map_err(|error| Error::Engine { engine: "WebP", reason: error.to_string() })?;
    Ok(out)
}
