//! How a result is written: format and compression.

use serde::{Deserialize, Serialize};
use strum::VariantArray;

use crate::names::UnknownName;

/// File format of a result. Both formats are lossless and store alpha.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
    strum::VariantNames,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase", ascii_case_insensitive)]
#[strum(parse_err_ty = UnknownName, parse_err_fn = UnknownName::of::<Format>)]
pub enum Format {
    #[default]
    Png,
    WebP,
}

impl Format {
    pub const ALL: &[Format] = Format::VARIANTS;

    /// Returns the name in flags, which is also the file extension.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns the largest width and height in pixels.
    pub fn max_side(self) -> u32 {
        match self {
            Format::Png => i32::MAX as u32,
            Format::WebP => 16_383,
        }
    }
}

/// How hard a PNG is compressed. The pixels are the same.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
    strum::Display,
    strum::EnumString,
    strum::VariantNames,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase", parse_err_ty = UnknownName, parse_err_fn = UnknownName::of::<Compression>)]
pub enum Compression {
    #[default]
    Fast,
    /// Up to a sixth smaller, in up to 15 times the time.
    Small,
}

/// File format and compression of a result. WebP has one compression only.
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
