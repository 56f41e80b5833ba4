//! The samples of a result: 8 or 16 bits per channel.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::picture::{Image, Picture};

/// Bits per channel of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum Depth {
    #[default]
    Eight,
    Sixteen,
}

impl From<Depth> for u8 {
    fn from(depth: Depth) -> Self {
        match depth {
            Depth::Eight => 8,
            Depth::Sixteen => 16,
        }
    }
}

impl TryFrom<u8> for Depth {
    type Error = String;

    fn try_from(bits: u8) -> Result<Self, String> {
        match bits {
            8 => Ok(Depth::Eight),
            16 => Ok(Depth::Sixteen),
            _ => Err(format!("a result cannot have {bits} bits per channel: use 8 or 16")),
        }
    }
}

impl fmt::Display for Depth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        u8::from(*self).fmt(f)
    }
}

impl FromStr for Depth {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bits: u8 = text.parse().map_err(|_| format!("{text:?} is not a number of bits: use 8 or 16"))?;
        bits.try_into()
    }
}

/// One channel of a pixel of a result.
pub trait Sample: bytemuck::Pod + Ord + Send + Sync {
    const DEPTH: Depth;
    /// The value that stands for 1.0.
    const FULL: u64;

    /// Quantises `value`, clamped to 0..1, to the nearest sample; NaN becomes 0.
    fn from_unit(value: f32) -> Self;

    /// Converts an integer in 0..=[`FULL`](Self::FULL).
    fn from_u64(value: u64) -> Self;

    fn to_u64(self) -> u64;

    /// Wraps an image of these samples.
    fn picture(image: Image<Self>) -> Picture;
}

/// From 2^23 to 2^24 consecutive floats are consecutive integers: adding it rounds to an integer, which the lowest bits
/// of the sum then hold.
const INTEGERS: f32 = (1 << 23) as f32;

macro_rules! sample {
    ($kind:ty, $depth:ident) => {
        impl Sample for $kind {
            const DEPTH: Depth = Depth::$depth;
            const FULL: u64 = <$kind>::MAX as u64;

            #[inline]
            fn from_unit(value: f32) -> Self {
                // Equal to `value as $kind`, but compilers vectorise this and not a saturating cast.
                let value = value * Self::FULL as f32 + 0.5;
                let value = if value > 0.0 { value } else { 0.0 };
                let value = if value < Self::FULL as f32 { value } else { Self::FULL as f32 };
                let near = (value + INTEGERS) - INTEGERS;
                let floor = if near > value { near - 1.0 } else { near };
                (floor + INTEGERS).to_bits() as $kind
            }

            #[inline]
            fn from_u64(value: u64) -> Self {
                value as $kind
            }

            #[inline]
            fn to_u64(self) -> u64 {
                self.into()
            }

            fn picture(image: Image<Self>) -> Picture {
                Picture::$depth(image)
            }
        }
    };
}

sample!(u8, Eight);
sample!(u16, Sixteen);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_rounded_and_clamped() {
        assert_eq!([-1.0, 0.0, 0.5, 1.0, 7.0, f32::NAN].map(u8::from_unit), [0, 0, 128, 255, 255, 0]);
        assert_eq!([-1.0, 0.0, 0.5, 1.0, 7.0, f32::NAN].map(u16::from_unit), [0, 0, 32768, 65535, 65535, 0]);
    }

    #[test]
    fn a_sample_equals_a_saturating_cast() {
        let all = (0..=1.1f32.to_bits()).step_by(97).map(f32::from_bits);
        let ties = (0..=65535).map(|n| n as f32 / 65535.0).chain((0..=510).map(|n| n as f32 / 510.0));
        for value in all.chain(ties) {
            assert_eq!(u8::from_unit(value), (value * 255.0 + 0.5) as u8, "{value}");
            assert_eq!(u16::from_unit(value), (value * 65535.0 + 0.5) as u16, "{value}");
        }
    }

    #[test]
    fn a_depth_is_eight_or_sixteen() {
        assert_eq!(("8".parse(), "16".parse()), (Ok(Depth::Eight), Ok(Depth::Sixteen)));
        for wrong in ["", "10", "300", "-8", "deep"] {
            assert!(wrong.parse::<Depth>().is_err(), "{wrong}");
        }
    }
}
