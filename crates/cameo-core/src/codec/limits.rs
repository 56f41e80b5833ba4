//! How large an image may be.

use super::error::CodecError;

/// How large an image may be. Checked on the header, before any pixel is decoded.
#[derive(Debug, Clone)]
pub struct InputLimits {
    /// Encoded size, in bytes.
    pub max_bytes: usize,
    pub max_pixels: u64,
    /// Width and height, in pixels.
    pub max_side: u32,
    /// Memory that a decoder may allocate, in bytes.
    pub max_decoder_bytes: u64,
}

impl Default for InputLimits {
    fn default() -> Self {
        Self { max_bytes: 512 << 20, max_pixels: 50_000_000, max_side: 16_384, max_decoder_bytes: 1 << 30 }
    }
}

impl InputLimits {
    /// Checks the encoded size of an image.
    ///
    /// # Errors
    /// [`CodecError::Empty`] or [`CodecError::TooLarge`].
    pub fn check_bytes(&self, bytes: u64) -> Result<(), CodecError> {
        match bytes {
            0 => Err(CodecError::Empty),
            bytes if bytes > self.max_bytes as u64 => Err(CodecError::TooLarge(format!(
                "it has {bytes} bytes, the limit is {}: save it at a lower resolution or with stronger compression",
                self.max_bytes
            ))),
            _ => Ok(()),
        }
    }

    /// Checks the size of an image in pixels.
    ///
    /// # Errors
    /// [`CodecError::Undecodable`] if a side is 0, [`CodecError::TooLarge`] if the image exceeds the limits.
    pub(super) fn check_size(&self, width: u32, height: u32) -> Result<(), CodecError> {
        if width == 0 || height == 0 {
            return Err(CodecError::Undecodable(format!("its size is {width}x{height}")));
        }
        if width.max(height) > self.max_side {
            return Err(CodecError::TooLarge(format!(
                "it is {width}x{height}, a side may have at most {} pixels: scale it down first",
                self.max_side
            )));
        }
        let pixels = u64::from(width) * u64::from(height);
        if pixels > self.max_pixels {
            return Err(CodecError::TooLarge(format!(
                "it is {width}x{height} ({:.1} megapixels), the limit is {:.1} megapixels: scale it down first",
                pixels as f64 / 1e6,
                self.max_pixels as f64 / 1e6
            )));
        }
        Ok(())
    }

    /// Checks how many bytes a decoder has to allocate for its pixels.
    ///
    /// # Errors
    /// [`CodecError::TooLarge`] if that exceeds the limit.
    pub(super) fn check_decoder_bytes(&self, bytes: u64) -> Result<(), CodecError> {
        if bytes <= self.max_decoder_bytes { Ok(()) } else { Err(self.decoder_limit_exceeded()) }
    }

    /// Returns the error for a decoder that hit its side or memory limit.
    pub(super) fn decoder_limit_exceeded(&self) -> CodecError {
        CodecError::TooLarge(format!(
            "decoding it would exceed {} pixels on a side or {} MiB of memory: scale it down first",
            self.max_side,
            self.max_decoder_bytes >> 20
        ))
    }
}
