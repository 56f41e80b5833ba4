//! Pictures on the device, cut into bands of rows where they are larger than a buffer binding may be.

use std::num::NonZeroU64;
use std::ops::Range;

use crate::context::GpuContext;
use crate::pool::GpuBuffer;

/// Bytes of a word: a packed RGBA8 pixel, an f32 alpha, or half a 16-bit pixel.
const WORD_BYTES: u64 = 4;

/// A picture as buffers that together hold all its rows, from the top.
#[derive(Debug)]
pub struct RowBands {
    /// Words of a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    bands: Vec<RowBand>,
}

#[derive(Debug)]
struct RowBand {
    buffer: GpuBuffer,
    rows: Range<u32>,
}

/// Some rows of a picture as one binding.
#[derive(Debug, Clone)]
pub struct BoundRows {
    buffer: GpuBuffer,
    /// Where the binding begins: at most an alignment before the first row.
    byte_offset: u64,
    byte_size: u64,
    /// Words in the binding before the first row.
    pub offset: u32,
}

impl BoundRows {
    pub fn binding(&self) -> wgpu::BufferBinding<'_> {
        wgpu::BufferBinding { buffer: &self.buffer, offset: self.byte_offset, size: NonZeroU64::new(self.byte_size) }
    }
}

/// Splits `height` rows of `width` words into bands of at most `max_bytes`, but of at least one row.
fn split_into_bands(width: u32, height: u32, max_bytes: u64) -> Vec<Range<u32>> {
    let max_rows = (max_bytes / row_bytes(width)).clamp(1, height.into()) as u32;
    (0..height).step_by(max_rows as usize).map(|first| first..(first + max_rows).min(height)).collect()
}

/// Splits `bands` of `width` words into chunks that keep to `max_bytes` together with `radius` rows on each side, where
/// that is possible.
fn split_into_chunks(
    bands: impl Iterator<Item = Range<u32>>,
    width: u32,
    radius: u32,
    max_bytes: u64,
) -> Vec<Range<u32>> {
    let max_rows = (max_bytes / row_bytes(width)).saturating_sub(2 * u64::from(radius)).clamp(1, 1 << 30) as u32;
    let split = |band: Range<u32>| {
        band.clone().step_by(max_rows as usize).map(move |first| first..(first + max_rows).min(band.end))
    };
    bands.flat_map(split).collect()
}

fn row_bytes(width: u32) -> u64 {
    u64::from(width) * WORD_BYTES
}

impl RowBands {
    /// Copies a picture of the host to the device: one copy per band, and one band for all but the largest pictures.
    ///
    /// `words` are the bytes of `height` rows of `width` words.
    pub fn upload(context: &GpuContext, label: &str, width: u32, height: u32, words: &[u8], max_bytes: u64) -> Self {
        let row_bytes = row_bytes(width) as usize;
        let buffer = |rows: &Range<u32>| {
            context.upload(label, &words[rows.start as usize * row_bytes..rows.end as usize * row_bytes])
        };
        Self::new(width, height, max_bytes, buffer)
    }

    /// Returns the memory of a picture for kernels to write.
    pub fn scratch(context: &GpuContext, label: &str, width: u32, height: u32, max_bytes: u64) -> Self {
        Self::new(width, height, max_bytes, |rows| context.scratch(label, rows.len() as u64 * row_bytes(width)))
    }

    fn new(width: u32, height: u32, max_bytes: u64, buffer: impl Fn(&Range<u32>) -> GpuBuffer) -> Self {
        let bands = split_into_bands(width, height, max_bytes).into_iter();
        Self { width, height, bands: bands.map(|rows| RowBand { buffer: buffer(&rows), rows }).collect() }
    }

    /// Returns the rows of each band, from the top.
    pub fn bands(&self) -> impl Iterator<Item = Range<u32>> + '_ {
        self.bands.iter().map(|band| band.rows.clone())
    }

    /// Splits the bands further, into chunks that keep to `max_bytes` together with `radius` rows on each side.
    pub fn chunks(&self, radius: u32, max_bytes: u64) -> Vec<Range<u32>> {
        split_into_chunks(self.bands(), self.width, radius, max_bytes)
    }

    /// Returns `rows` and up to `radius` rows on each side, within the picture.
    pub fn rows_around(&self, rows: &Range<u32>, radius: u32) -> Range<u32> {
        rows.start.saturating_sub(radius)..(rows.end + radius).min(self.height)
    }

    pub fn buffers(&self) -> impl Iterator<Item = &GpuBuffer> {
        self.bands.iter().map(|band| &band.buffer)
    }

    /// Binds `rows` for writing.
    ///
    /// # Panics
    /// If they do not lie within one band, as each of [`bands`](Self::bands) and [`chunks`](Self::chunks) does.
    pub fn bind_output(&self, context: &GpuContext, rows: &Range<u32>) -> BoundRows {
        self.bind_in_place(context, rows).expect("the rows to write lie within one band")
    }

    /// Binds `rows` for reading: in place, or gathered into one buffer on the device if they lie in several bands.
    pub fn bind(&self, context: &GpuContext, rows: &Range<u32>) -> BoundRows {
        self.bind_in_place(context, rows).unwrap_or_else(|| self.gather(context, rows))
    }

    fn bind_in_place(&self, context: &GpuContext, rows: &Range<u32>) -> Option<BoundRows> {
        let band = self.bands.iter().find(|band| band.rows.start <= rows.start && rows.end <= band.rows.end)?;
        let start = u64::from(rows.start - band.rows.start) * row_bytes(self.width);
        let alignment = u64::from(context.device.limits().min_storage_buffer_offset_alignment);
        let byte_offset = start / alignment * alignment;
        let offset = ((start - byte_offset) / WORD_BYTES) as u32;
        let byte_size = start - byte_offset + rows.len() as u64 * row_bytes(self.width);
        Some(BoundRows { buffer: band.buffer.clone(), byte_offset, byte_size, offset })
    }

    fn gather(&self, context: &GpuContext, rows: &Range<u32>) -> BoundRows {
        let row_bytes = row_bytes(self.width);
        let byte_size = rows.len() as u64 * row_bytes;
        let buffer = context.scratch("gathered rows", byte_size);
        for band in &self.bands {
            let (start, end) = (band.rows.start.max(rows.start), band.rows.end.min(rows.end));
            if start < end {
                let source = u64::from(start - band.rows.start) * row_bytes;
                let destination = u64::from(start - rows.start) * row_bytes;
                let bytes = u64::from(end - start) * row_bytes;
                context.copy(&band.buffer, source, &buffer, destination, bytes);
            }
        }
        BoundRows { buffer, byte_offset: 0, byte_size, offset: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_cover_every_row_once_and_keep_the_limit() {
        for (width, height, max_bytes) in [(10, 7, 40), (10, 7, 81), (10, 7, 1 << 30), (16384, 3051, 128 << 20)] {
            let bands = split_into_bands(width, height, max_bytes);
            assert_eq!(bands.first().unwrap().start, 0);
            assert_eq!(bands.last().unwrap().end, height);
            assert!(bands.windows(2).all(|pair| pair[0].end == pair[1].start));
            assert!(bands.iter().all(|rows| rows.len() as u64 * row_bytes(width) <= max_bytes));
        }
    }

    #[test]
    fn chunks_keep_the_limit_with_the_rows_around_them() {
        let bands = split_into_bands(100, 1000, 100_000);
        assert_eq!(bands.len(), 4);
        let chunks = split_into_chunks(bands.into_iter(), 100, 20, 100_000);
        assert_eq!(chunks.iter().map(ExactSizeIterator::len).sum::<usize>(), 1000);
        assert!(chunks.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert!(chunks.iter().all(|rows| (rows.len() as u64 + 40) * row_bytes(100) <= 100_000), "{chunks:?}");
    }

    #[test]
    fn a_picture_within_the_limit_is_one_band() {
        assert_eq!(split_into_bands(4000, 3000, 48_000_000), vec![0..3000]);
    }
}
