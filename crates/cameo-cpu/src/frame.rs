//! The photo on its way through the stages.

use std::ops::Range;

use cameo_core::codec::Image;
use cameo_core::tuning::MatteStats;

use crate::plane::Plane;

/// The photo, and its matte once it has one.
#[derive(Debug)]
pub struct CpuFrame {
    /// 8-bit RGBA with straight alpha, in sRGB, or in Display P3 if the recipe keeps it.
    pub photo: Image,
    /// Alpha in 0..1, at the photo's size, already multiplied by the photo's own alpha.
    pub matte: Option<Plane>,
    /// Counts from which the uncertainty of the matte is computed.
    pub stats: Option<MatteStats>,
}

impl CpuFrame {
    /// Returns a frame without a matte.
    pub fn new(photo: Image) -> Self {
        Self { photo, matte: None, stats: None }
    }

    /// Returns the pixels of row `y` in `columns`, and the same part of the matte if there is one.
    pub fn row_part(&self, y: usize, columns: Range<usize>) -> (&[[u8; 4]], Option<&[f32]>) {
        let row = y * self.photo.width as usize;
        let range = row + columns.start..row + columns.end;
        let matte = self.matte.as_ref().map(|matte| &matte.values[range.clone()]);
        (&self.photo.pixels.as_chunks().0[range], matte)
    }
}
