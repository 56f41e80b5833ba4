//! How a background is removed, and what takes its place: what a config stores.

use std::fmt;
use std::str::FromStr;

use cameo_models::Network;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

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

/// How the background is removed, and what takes its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CutoutOptions {
    pub model: Network,
    /// Laid behind the cut-out; `None` leaves it transparent.
    pub background: Option<Color>,
    /// Crop to the subject, with a margin of this share of its longer side: 0 to 1.
    pub crop: Option<f64>,
    /// Write the alpha as a grey picture instead of the cut-out.
    pub matte_only: bool,
    /// Keep to the network's matte, resampled by Lanczos-3, whatever refines it otherwise.
    pub plain_matte: bool,
}

impl Default for CutoutOptions {
    fn default() -> Self {
        Self { model: Network::IsNet, background: None, crop: None, matte_only: false, plain_matte: false }
    }
}

impl CutoutOptions {
    /// # Errors
    /// [`Error::BadRecipe`] if a number is out of its range, or two options contradict each other.
    pub fn check(&self) -> Result<()> {
        if let Some(margin) = self.crop
            && !(0.0..=1.0).contains(&margin)
        {
            return Err(Error::BadRecipe(format!("the margin of crop, {margin}, is out of range: use 0 to 1")));
        }
        if self.matte_only && self.background.is_some() {
            return Err(Error::BadRecipe("a matte has no background: leave out background or matte_only".into()));
        }
        Ok(())
    }

    /// Nothing is left to do once the engine is done.
    pub(super) fn finished(&self) -> bool {
        self.crop.is_none() && self.background.is_none()
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
        for margin in [-0.1, 1.1, f64::NAN] {
            assert!(CutoutOptions { crop: Some(margin), ..Default::default() }.check().is_err(), "{margin}");
        }
        let both = CutoutOptions { matte_only: true, background: Some(Color([0; 3])), ..Default::default() };
        assert!(both.check().is_err());
    }
}
