//! The colour spaces of TIFF.

use std::io::{BufRead, Seek};

use tiff::tags::{PhotometricInterpretation, Tag};

use super::directory::Directory;
use crate::codec::decoded::undecodable;
use crate::codec::error::CodecError;

const YCBCR_COEFFICIENTS: Tag = Tag::Unknown(529);
const REFERENCE_BLACK_WHITE: Tag = Tag::Unknown(532);
const INK_SET: Tag = Tag::Unknown(332);

/// What the samples of a pixel mean.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Color {
    Grey {
        /// Whether 0 is white.
        inverted: bool,
    },
    Rgb,
    /// Indices into these colours.
    Palette(Vec<[u8; 3]>),
    /// The largest sample is full ink.
    Cmyk,
    YCbCr(YCbCr),
}

/// How luma and chroma of 8 bits become red, green and blue (TIFF 6.0, section 21).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct YCbCr {
    /// The parts of red, green and blue in luma.
    luma: [f32; 3],
    /// The samples of black and white, of luma and of both chromas.
    reference: [[f32; 2]; 3],
}

impl Color {
    /// The number of samples that make a colour.
    pub fn channels(&self) -> usize {
        match self {
            Self::Grey { .. } | Self::Palette(_) => 1,
            Self::Rgb | Self::YCbCr(_) => 3,
            Self::Cmyk => 4,
        }
    }

    /// Returns whether the file's profile applies to the decoded picture. The conversion of CMYK has applied it already.
    pub fn keeps_profile(&self) -> bool {
        !matches!(self, Self::Cmyk)
    }
}

/// Reads what the `samples` of a pixel mean.
pub(super) fn read_color<R: BufRead + Seek>(directory: &mut Directory<R>, samples: usize) -> Result<Color, CodecError> {
    let color = match directory.interpretation()? {
        Some(PhotometricInterpretation::WhiteIsZero) => Color::Grey { inverted: true },
        Some(PhotometricInterpretation::BlackIsZero) => Color::Grey { inverted: false },
        Some(PhotometricInterpretation::RGB) => Color::Rgb,
        Some(PhotometricInterpretation::RGBPalette) => Color::Palette(palette(&directory.numbers(Tag::ColorMap)?)?),
        Some(PhotometricInterpretation::CMYK) => match directory.number(INK_SET)? {
            None | Some(1) => Color::Cmyk,
            Some(_) => return Err(CodecError::Unsupported("TIFF with inks other than CMYK".into())),
        },
        // JPEG has a conversion of its own, and what these files say besides is often wrong.
        Some(PhotometricInterpretation::YCbCr) if directory.is_jpeg()? => Color::YCbCr(YCbCr::JFIF),
        Some(PhotometricInterpretation::YCbCr) => Color::YCbCr(YCbCr::read(directory)?),
        Some(
            PhotometricInterpretation::CIELab | PhotometricInterpretation::IccLab | PhotometricInterpretation::ItuLab,
        ) => return Err(CodecError::Unsupported("TIFF in CIELAB colours".into())),
        Some(PhotometricInterpretation::TransparencyMask) => {
            return Err(CodecError::Unsupported("TIFF that holds a mask instead of a picture".into()));
        }
        _ => return Err(CodecError::Unsupported("TIFF of this kind, perhaps a raw photo".into())),
    };
    if samples < color.channels() {
        return Err(undecodable("its pixels have too few samples for their colours"));
    }
    Ok(color)
}

/// Converts a colour map: all reds, all greens, then all blues, of 16 bits each.
fn palette(map: &[usize]) -> Result<Vec<[u8; 3]>, CodecError> {
    let colors = map.len() / 3;
    if colors == 0 {
        return Err(undecodable("its palette is missing"));
    }
    // Some programs write 8 bits.
    let shift = if map.iter().all(|&value| value < 256) { 0 } else { 8 };
    let channel = |at: usize| (map[at] >> shift).min(255) as u8;
    Ok((0..colors).map(|at| [channel(at), channel(at + colors), channel(at + 2 * colors)]).collect())
}

impl YCbCr {
    const JFIF: Self = Self { luma: [0.299, 0.587, 0.114], reference: [[0.0, 255.0], [128.0, 255.0], [128.0, 255.0]] };

    /// Reads the conversion. Values that make no sense are replaced by the usual ones, as other readers do.
    fn read<R: BufRead + Seek>(directory: &mut Directory<R>) -> Result<Self, CodecError> {
        let luma = <[f32; 3]>::try_from(directory.fractions(YCBCR_COEFFICIENTS)?).ok();
        let luma = luma.filter(|luma| luma.iter().all(|&part| part > 0.0 && part < 1.0));
        let reference = <[f32; 6]>::try_from(directory.fractions(REFERENCE_BLACK_WHITE)?).ok();
        let reference = reference.map(|[a, b, c, d, e, f]| [[a, b], [c, d], [e, f]]);
        let reference = reference.filter(|pairs| {
            pairs.iter().all(|[black, white]| black.is_finite() && white.is_finite() && black != white)
        });
        Ok(Self { luma: luma.unwrap_or(Self::JFIF.luma), reference: reference.unwrap_or(Self::JFIF.reference) })
    }

    /// Converts luma and both chromas to red, green and blue.
    pub fn to_rgb(self, pixel: [u8; 3]) -> [u8; 3] {
        let full = [255.0, 127.0, 127.0];
        let [y, cb, cr] = std::array::from_fn(|at| {
            let [black, white] = self.reference[at];
            (f32::from(pixel[at]) - black) * full[at] / (white - black)
        });
        let [red_part, green_part, blue_part] = self.luma;
        let red = y + cr * (2.0 - 2.0 * red_part);
        let blue = y + cb * (2.0 - 2.0 * blue_part);
        let green = (y - blue_part * blue - red_part * red) / green_part;
        [red, green, blue].map(|value| (value + 0.5).clamp(0.0, 255.0) as u8)
    }
}
