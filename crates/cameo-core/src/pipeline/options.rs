//! How a background is removed and what replaces it: the options that a config stores.

use std::fmt;
use std::str::FromStr;

use cameo_models::Network;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::RecipeError;
use crate::codec::{Compression, Depth};
use crate::names::UnknownName;
use crate::tuning::SOFT_EDGE_SIGMA;

/// An sRGB colour, written `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Color(pub [u8; 3]);

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Color([r, g, b]) = self;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

impl FromStr for Color {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix('#').unwrap_or(text);
        let number = (digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .then(|| u32::from_str_radix(digits, 16).ok())
            .flatten();
        let [_, r, g, b] =
            number.ok_or_else(|| format!("{text:?} is not a colour: write it as #rrggbb"))?.to_be_bytes();
        Ok(Self([r, g, b]))
    }
}

impl From<Color> for String {
    fn from(color: Color) -> Self {
        color.to_string()
    }
}

impl TryFrom<String> for Color {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// What guides the matting network.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    Serialize,
    Deserialize,
    ToSchema,
    strum::Display,
    strum::EnumString,
    strum::VariantNames,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase", parse_err_ty = UnknownName, parse_err_fn = UnknownName::of::<Guidance>)]
pub enum Guidance {
    /// A network that finds people: the matting network gets a closer look at them, their holes are filled, and their
    /// grey interiors become opaque.
    #[default]
    Portrait,
    /// Nothing: the network's own matte of the whole photo.
    None,
}

/// How the edge of the matte looks.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    Serialize,
    Deserialize,
    ToSchema,
    strum::Display,
    strum::EnumString,
    strum::VariantNames,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase", parse_err_ty = UnknownName, parse_err_fn = UnknownName::of::<Edge>)]
pub enum Edge {
    /// Blurred with a standard deviation of 0.15 percent of the photo's longer side.
    Soft,
    /// As the photo shows it.
    #[default]
    Natural,
    /// Twice as steep.
    Crisp,
}

/// How the background is removed, and what replaces it. Fields that are left out have their default values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CutoutOptions {
    /// The matting network: `isnet` for quality, `u2netp` for speed.
    #[schema(value_type = String, pattern = "^(isnet|u2netp)$", example = "isnet")]
    pub model: Network,
    /// `portrait` finds people and guides the network by them; `none` disables that.
    pub guidance: Guidance,
    /// Use the network's matte of the whole photo, resampled by Lanczos-3: neither guided nor refined.
    pub plain_matte: bool,
    /// Replace the background's colours in soft edges by the subject's own.
    pub decontaminate: bool,
    /// Fill holes in the subject that cover at most this fraction of the photo.
    #[schema(minimum = 0, maximum = 1, example = 0.001)]
    pub fill_holes: Option<f64>,
    /// Keep only the largest subject.
    pub largest: bool,
    /// Make alpha 1 from this value on, and 0 below it.
    #[schema(minimum = 0.001, maximum = 0.999, example = 0.5)]
    pub threshold: Option<f64>,
    /// Move the edge inwards by this many pixels of the photo, outwards if negative.
    #[schema(minimum = -20, maximum = 20, example = 0.5)]
    pub choke: f64,
    /// Blur the edge with this standard deviation, in pixels of the photo.
    #[schema(minimum = 0, maximum = 50, example = 1)]
    pub feather: f64,
    /// How the edge looks.
    pub edge: Edge,
    /// The sRGB colour behind the cut-out, as `#rrggbb`; null leaves it transparent.
    #[schema(value_type = Option<String>, pattern = "^#[0-9a-fA-F]{6}$", example = "#ffffff")]
    pub background: Option<Color>,
    /// Crop to the subject, with a margin of this fraction of its longer side; null keeps the photo's frame.
    #[schema(minimum = 0, maximum = 1, example = 0.05)]
    pub crop: Option<f64>,
    /// Write the alpha channel as a grey image instead of the cut-out.
    pub matte_only: bool,
    /// Bits per channel of every result, 8 or 16.
    #[schema(value_type = u8, example = 8)]
    pub depth: Depth,
    /// How hard every PNG result is compressed.
    pub compression: Compression,
    /// Keep the colours of a Display P3 photo in every result, with its profile, instead of converting them to sRGB.
    pub keep_p3: bool,
}

impl Default for CutoutOptions {
    fn default() -> Self {
        Self {
            model: Network::IsNet,
            guidance: Guidance::default(),
            plain_matte: false,
            decontaminate: true,
            fill_holes: None,
            largest: false,
            threshold: None,
            choke: 0.0,
            feather: 0.0,
            edge: Edge::default(),
            background: None,
            crop: None,
            matte_only: false,
            depth: Depth::default(),
            compression: Compression::default(),
            keep_p3: false,
        }
    }
}

impl CutoutOptions {
    /// Checks each value and their combination.
    ///
    /// # Errors
    /// [`RecipeError`] if a number is out of its range, or two options contradict each other.
    pub fn check(&self) -> Result<(), RecipeError> {
        if !Network::MATTING.contains(&self.model) {
            let names = Network::MATTING.map(Network::name).join(" or ");
            return Err(RecipeError(format!("{} is not a matting network: use {names}", self.model)));
        }
        let ranges = [
            ("the crop margin", self.crop, 0.0..=1.0),
            ("fill_holes", self.fill_holes, 0.0..=1.0),
            ("threshold", self.threshold, 0.001..=0.999),
            ("choke", Some(self.choke), -20.0..=20.0),
            ("feather", Some(self.feather), 0.0..=50.0),
        ];
        for (name, value, range) in ranges {
            if let Some(value) = value
                && !range.contains(&value)
            {
                let (min, max) = range.into_inner();
                return Err(RecipeError(format!("{name} is {value}, which is out of range: use {min} to {max}")));
            }
        }
        if self.matte_only && self.background.is_some() {
            return Err(RecipeError("a matte has no background: leave out background or matte_only".into()));
        }
        Ok(())
    }

    /// Returns whether the edge stage has anything to do.
    pub fn shapes_edge(&self) -> bool {
        self.edge != Edge::Natural || self.threshold.is_some() || self.choke != 0.0 || self.feather > 0.0
    }

    /// Returns the standard deviation of the edge's blur, in pixels of a `width` by `height` photo; 0 for no blur.
    pub fn blur_sigma(&self, width: u32, height: u32) -> f32 {
        let soft = if self.edge == Edge::Soft { SOFT_EDGE_SIGMA * width.max(height) as f32 } else { 0.0 };
        soft.hypot(self.feather as f32)
    }

    /// Returns how far outside the network's matte alpha can become positive, in pixels of the photo.
    pub fn outward_reach(&self, width: u32, height: u32) -> u32 {
        let outwards = (-self.choke).max(0.0) as f32;
        // A Gaussian is cut off at three standard deviations.
        (outwards + 3.0 * self.blur_sigma(width, height)).ceil() as u32
    }

    /// Returns whether people guide the matte.
    pub fn guided(&self) -> bool {
        self.guidance == Guidance::Portrait && !self.plain_matte
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_color_has_exactly_six_digits() {
        assert_eq!("#0aFf10".parse(), Ok(Color([10, 255, 16])));
        assert_eq!(Color([10, 255, 16]).to_string(), "#0aff10");
        for wrong in ["", "#fff", "white", "#12345g", "#+12345", "#1234567", "#ä1234"] {
            assert!(wrong.parse::<Color>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn options_out_of_range_are_refused() {
        let default = CutoutOptions::default;
        assert!(default().check().is_ok());
        for wrong in [
            CutoutOptions { crop: Some(-0.1), ..default() },
            CutoutOptions { crop: Some(1.1), ..default() },
            CutoutOptions { crop: Some(f64::NAN), ..default() },
            CutoutOptions { fill_holes: Some(1.1), ..default() },
            CutoutOptions { threshold: Some(0.0), ..default() },
            CutoutOptions { threshold: Some(1.0), ..default() },
            CutoutOptions { choke: 20.5, ..default() },
            CutoutOptions { choke: f64::NAN, ..default() },
            CutoutOptions { feather: -1.0, ..default() },
            CutoutOptions { feather: 50.1, ..default() },
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
        assert!(CutoutOptions { model: Network::Selfie, ..Default::default() }.check().is_err());
        let both = CutoutOptions { matte_only: true, background: Some(Color([0; 3])), ..Default::default() };
        assert!(both.check().is_err());
    }
}
