//! The directory of a TIFF, whose tags describe its picture.

use std::io::{BufRead, Seek};

use tiff::decoder::ifd::Value;
use tiff::decoder::{Decoder, Limits};
use tiff::tags::{CompressionMethod, PhotometricInterpretation, Tag};
use tiff::{TiffError, TiffUnsupportedError};

use crate::codec::decoded::{short_reason, undecodable};
use crate::codec::error::CodecError;

/// Adobe's tag of the raw photos of its format DNG.
const DNG_VERSION: Tag = Tag::Unknown(50706);

/// The bit of NewSubfileType for a smaller copy of a picture.
const REDUCED: usize = 1;

const RAW_PHOTO: &str = "TIFF of this kind: it is a raw photo";

/// The directory of the first picture of a TIFF that is no thumbnail.
pub(super) struct Directory<R: BufRead + Seek>(pub Decoder<R>);

impl<R: BufRead + Seek> Directory<R> {
    pub fn open(file: R) -> Result<Self, CodecError> {
        let mut limits = Limits::default();
        // The positions of small tiles, and profiles, may exceed the default of 1 MiB.
        limits.ifd_value_size = 16 << 20;
        let mut directory = Self(Decoder::new(file).map_err(refused)?.with_limits(limits));
        if !directory.numbers(DNG_VERSION)?.is_empty() {
            return Err(CodecError::Unsupported(RAW_PHOTO.into()));
        }
        // A thumbnail may come before its picture. Raw photos have the picture in a directory of another kind.
        while directory.number(Tag::NewSubfileType)?.is_some_and(|kind| kind & REDUCED == REDUCED) {
            if !directory.numbers(Tag::SubIfd)?.is_empty() {
                return Err(CodecError::Unsupported(RAW_PHOTO.into()));
            }
            if !directory.0.more_images() {
                directory.0.seek_to_image(0).map_err(refused)?;
                break;
            }
            directory.0.next_image().map_err(refused)?;
        }
        Ok(directory)
    }

    pub fn is_jpeg(&mut self) -> Result<bool, CodecError> {
        Ok(self.number(Tag::Compression)? == Some(CompressionMethod::ModernJPEG.to_u16().into()))
    }

    /// Returns the only or the first number of `tag`; `None` if it is missing.
    pub fn number(&mut self, tag: Tag) -> Result<Option<usize>, CodecError> {
        Ok(self.numbers(tag)?.first().copied())
    }

    /// Returns the numbers of `tag`; none if it is missing.
    pub fn numbers(&mut self, tag: Tag) -> Result<Vec<usize>, CodecError> {
        Ok(self.0.find_tag_unsigned_vec(tag).map_err(refused)?.unwrap_or_default())
    }

    /// Returns the fractions of `tag`; none if it is missing or holds something else.
    pub fn fractions(&mut self, tag: Tag) -> Result<Vec<f32>, CodecError> {
        let Some(Value::List(values)) = self.0.find_tag(tag).map_err(refused)? else { return Ok(Vec::new()) };
        let fraction = |value| match value {
            Value::Rational(over, under) => Some(over as f32 / under as f32),
            Value::Float(value) => Some(value),
            _ => None,
        };
        Ok(values.into_iter().filter_map(fraction).collect())
    }

    /// Returns what the samples mean; `None` for an interpretation that TIFF 6.0 does not have.
    pub fn interpretation(&mut self) -> Result<Option<PhotometricInterpretation>, CodecError> {
        let number = self.number(Tag::PhotometricInterpretation)?;
        Ok(number.and_then(|number| u16::try_from(number).ok()).and_then(PhotometricInterpretation::from_u16))
    }
}

/// Tells what is damaged from what is not supported.
pub(super) fn refused(error: TiffError) -> CodecError {
    match error {
        TiffError::UnsupportedError(TiffUnsupportedError::UnknownInterpretation) => {
            CodecError::Unsupported("TIFF of this kind, perhaps a raw photo".into())
        }
        TiffError::UnsupportedError(TiffUnsupportedError::InconsistentBitsPerSample(_)) => {
            CodecError::Unsupported("TIFF whose channels differ in bits".into())
        }
        TiffError::UnsupportedError(kind) => {
            CodecError::Unsupported(format!("TIFF of this kind ({})", short_reason(kind)))
        }
        TiffError::LimitsExceeded => undecodable("its directory is too large"),
        other => undecodable(other),
    }
}
