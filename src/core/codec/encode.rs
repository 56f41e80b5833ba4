//! Pixels to bytes: PNG and lossless WebP.

use std::fmt;
use std::str::FromStr;

use image::ImageEncoder;
use image::codecs::webp::WebPEncoder;
use serde::{Deserialize, Serialize};

use super::{Depth, Image, Profile, Sample, bands};
use crate::error::{Error, Result};
use crate::names::names;

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

/// What a PNG's smallness is worth; the pixels are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    #[default]
    Fast,
    /// A tenth smaller on average, in up to five times the time.
    Small,
}

names!(Compression, "compression", Fast = "fast", Small = "small");

/// How a picture is written: a format, and how small. A WebP knows one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Encoding {
    pub format: Format,
    pub compression: Compression,
}

impl From<Format> for Encoding {
    fn from(format: Format) -> Self {
        Self { format, ..Self::default() }
    }
}

/// Encodes an RGBA picture. What has no `profile` is tagged as sRGB in a PNG; nothing of the input's metadata is
/// written. A WebP has 8 bits a channel.
///
/// # Errors
/// [`Error::Engine`] if the encoder refuses, as it does a side longer than [`Format::max_side`].
pub fn encode<T: Sample>(
    image: &Image<T>,
    encoding: impl Into<Encoding>,
    profile: Option<&Profile>,
) -> Result<Vec<u8>> {
    let Encoding { format, compression } = encoding.into();
    match format {
        Format::Png => png(image.width, image.height, png::ColorType::Rgba, &image.pixels, profile, compression),
        Format::WebP => webp(image.width, image.height, image::ExtendedColorType::Rgba8, &image.pixels, profile),
    }
}

/// Encodes the alpha of a picture as a grey one: white is the subject.
pub fn encode_matte<T: Sample>(image: &Image<T>, encoding: impl Into<Encoding>) -> Result<Vec<u8>> {
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
) -> Result<Vec<u8>> {
    let refused = |reason: String| Error::Engine { engine: "PNG", reason };
    let failed = |error: png::EncodingError| refused(error.to_string());
    let mut info = png::Info::with_size(width, height);
    info.color_type = color;
    info.icc_profile = profile.map(|profile| profile.icc().into());
    if T::DEPTH == Depth::Sixteen {
        info.bit_depth = png::BitDepth::Sixteen;
    }
    let mut out = Vec::new();
    let mut encoder = png::Encoder::with_info(&mut out, info).map_err(failed)?;
    if profile.is_none() {
        encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    }
    let mut writer = encoder.write_header().map_err(failed)?;
    let parts = bands::zlib(samples, width as usize, color.samples(), compression);
    for part in parts.map_err(|error| refused(error.as_str().into()))? {
        writer.write_chunk(png::chunk::IDAT, &part).map_err(failed)?;
    }
    writer.finish().map_err(failed)?;
    Ok(out)
}

fn webp<T: Sample>(
    width: u32,
    height: u32,
    color: image::ExtendedColorType,
    samples: &[T],
    profile: Option<&Profile>,
) -> Result<Vec<u8>> {
    let failed = |reason: String| Error::Engine { engine: "WebP", reason };
    if T::DEPTH != Depth::Eight {
        return Err(failed("it has 8 bits a channel".into()));
    }
    let mut out = Vec::new();
    let mut encoder = WebPEncoder::new_lossless(&mut out);
    if let Some(profile) = profile {
        encoder.set_icc_profile(profile.icc().to_vec()).map_err(|error| failed(error.to_string()))?;
    }
    encoder
        .write_image(bytemuck::cast_slice(samples), width, height, color)
        .map_err(|error| failed(error.to_string()))?;
    Ok(out)
}
