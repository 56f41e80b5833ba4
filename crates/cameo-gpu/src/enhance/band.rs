//! A band of rows of the result: what is computed before the next band.

use std::ops::Range;

use crate::pool::GpuBuffer;
use crate::row_bands::BoundRows;

/// Bytes of a premultiplied pixel: four f32.
pub const BAND_PIXEL_BYTES: u64 = 16;

/// Some rows of the result before they are packed: `[rows, width]`, premultiplied.
pub struct Band {
    pub buffer: GpuBuffer,
    pub rows: Range<u32>,
}

/// Some rows of the picture to write.
pub struct PictureRows {
    pub rows: Range<u32>,
    pub binding: BoundRows,
    /// Words of a pixel: 1 for 8 bits per channel, 2 for 16.
    pub words_per_pixel: u32,
}
