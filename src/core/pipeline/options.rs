//! How a background is removed, and what takes its place: what a config stores.

use std::fmt;
use std::str::FromStr;

use cameo_models::Network;
use serde::{Deserialize, Serialize};

use crate::codec::{Compression, Depth};
use crate::error::{Error, Result};
use crate::names::names;
use crate::rules::SOFT_EDGE;

/// A colour in sRGB, written `#rrggbb`.
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

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let digits = text.strip_prefix('#').unwrap_or(text);
        let number = (digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .then(|| u32::from_str_radix(digits, 16).ok())
            .flatten();
        let [_, r, g, b] = number.ok_or_else(|| format!("{text:?} is no colour: write it as #rrggbb"))?.to_be_bytes();
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

    fn try_from(text: String) -> std::result::Result<Self, String> {
        text.parse()
    }
}

/// What the matting network is guided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Guide {
    /// A network that finds people: a closer look at them, their holes filled, their grey interiors raised.
    #[default]
    Portrait,
    /// Nothing: the network's own matte of the whole photo.
    None,
}

names!(Guide, "guide", Portrait = "portrait", None = "none");

/// How the edge of the matte looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Edge {
    /// Blurred by 0.15 percent of the photo's longer side.
    Soft,
    /// As the photo has it.
    #[default]
    Natural,
    /// Twice as steep.
    Crisp,
}

names!(Edge, "edge", Soft = "soft", Natural = "natural", Crisp = "crisp");

/// How the background is removed, and what takes its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CutoutOptions {
    pub model: Network,
    pub guide: Guide,
    /// Keep to the network's matte of the whole photo, resampled by Lanczos-3: neither guided nor refined.
    pub plain_matte: bool,
    /// Give soft edges the subject's own colours, without the background's.
    pub decontaminate: bool,
    /// Fill holes in the subject of up to this share of the photo: 0 to 1.
    pub fill_holes: Option<f64>,
    /// Keep the largest subject alone.
    pub largest: bool,
    /// Make alpha full from this value on, and none below: 0.001 to 0.999.
    pub threshold: Option<f64>,
    /// Move the edge inwards by so many of the photo's pixels, outwards if negative: -20 to 20.
    pub choke: f64,
    /// Blur the edge; the deviation in the photo's pixels: 0 to 50.
    pub feather: f64,
    pub edge: Edge,
    /// Laid behind the cut-out; `None` leaves it transparent.
    pub background: Option<Color>,
    /// Crop to the subject, with a margin of this share of its longer side: 0 to 1.
    pub crop: Option<f64>,
    /// Write the alpha as a grey picture instead of the cut-out.
    pub matte_only: bool,
    /// Of every result, cut out or not.
    pub depth: Depth,
    /// Of every result, cut out or not: how small a PNG is to be.
    pub compression: Compression,
    /// Of every result, cut out or not: leave the colours of a photo in Display P3 as they are.
    pub keep_p3: bool,
}

impl Default for CutoutOptions {
    fn default() -> Self {
        Self {
            model: Network::IsNet,
            guide: Guide::default(),
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
    /// # Errors
    /// [`Error::BadRecipe`] if a number is out of its range, or two options contradict each other.
    pub fn check(&self) -> Result<()> {
        if !Network::MATTING.contains(&self.model) {
            let names = Network::MATTING.map(Network::name).join(" or ");
            return Err(Error::BadRecipe(format!("{} cannot cut out a subject: use {names}", self.model)));
        }
        let ranges = [
            ("the margin of crop", self.crop, 0.0..=1.0),
            ("fill_holes", self.fill_holes, 0.0..=1.0),
            ("threshold", self.threshold, 0.001..=0.999),
            ("choke", Some(self.choke), -20.0..=20.0),
            ("feather", Some(self.feather), 0.0..=50.0),
        ];
        for (name, value, range) in ranges {
            if let Some(value) = value
                && !range.contains(&value)
            {
                let (from, to) = range.into_inner();
                return Err(Error::BadRecipe(format!("{name}, {value}, is out of range: use {from} to {to}")));
            }
        }
        if self.matte_only && self.background.is_some() {
            return Err(Error::BadRecipe("a matte has no background: leave out background or matte_only".into()));
        }
        Ok(())
    }

    /// The edge is to be changed.
    pub fn edged(&self) -> bool {
        self.edge != Edge::Natural || self.threshold.is_some() || self.choke != 0.0 || self.feather > 0.0
    }

    /// The deviation of the edge's blur, in pixels of a `width` by `height` photo; 0 for none.
    pub fn blur_sigma(&self, width: u32, height: u32) -> f32 {
        let soft = if self.edge == Edge::Soft { SOFT_EDGE * width.max(height) as f32 } else { 0.0 };
        soft.hypot(self.feather as f32)
    }

    /// How far outside the subject alpha can get, in pixels.
    pub fn reach(&self, width: u32, height: u32) -> u32 {
        let outwards = (-self.choke).max(0.0) as f32;
        // A Gaussian is cut at three deviations.
        (outwards + 3.0 * self.blur_sigma(width, height)).ceil() as u32
    }

    /// The guide has a say.
    pub fn guided(&self) -> bool {
        self.guide == Guide::Portrait && !self.plain_matte
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_color_is_six_digits_and_nothing_else() {
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
