//! A picture on the device: four bytes a pixel, cut into strips of rows where it passes the adapter's limits.

use std::ops::Range;

use super::Frame;
use super::bus::Bus;
use super::pool::Buffer;

/// Bytes of one pixel: a packed RGBA8 word, or one f32.
const PIXEL: u64 = 4;

/// Buffers that together hold all rows of a picture.
#[derive(Debug)]
pub struct Strips {
    pub width: u32,
    pub height: u32,
    strips: Vec<Strip>,
}

#[derive(Debug)]
struct Strip {
    buffer: Buffer,
    rows: Range<u32>,
}

/// Some rows of a picture as one binding: its first pixel lies `skip` words into what is bound.
#[derive(Debug, Clone)]
pub struct Rows {
    buffer: Buffer,
    offset: u64,
    size: u64,
    pub skip: u32,
}

impl Rows {
    pub fn binding(&self) -> wgpu::BindingResource<'_> {
        wgpu::BindingResource::Buffer(wgpu::BufferBinding {
            buffer: &self.buffer,
            offset: self.offset,
            size: std::num::NonZeroU64::new(self.size),
        })
    }
}

/// How a picture of `height` rows of `width` pixels is cut so that no strip passes `max_bytes`.
pub fn cut(width: u32, height: u32, max_bytes: u64) -> Vec<Range<u32>> {
    let most = (max_bytes / (width as u64 * PIXEL)).clamp(1, height as u64) as u32;
    (0..height).step_by(most as usize).map(|first| first..(first + most).min(height)).collect()
}

fn parts(cuts: impl Iterator<Item = Range<u32>>, width: u32, reach: u32, max_bytes: u64) -> Vec<Range<u32>> {
    let most = (max_bytes / (width as u64 * PIXEL)).saturating_sub(2 * reach as u64).clamp(1, 1 << 30) as u32;
    let split = |cut: Range<u32>| cut.clone().step_by(most as usize).map(move |y| y..(y + most).min(cut.end));
    cuts.flat_map(split).collect()
}

impl Strips {
    /// The only upload of a photo: one copy a strip, one strip for all but the largest.
    pub fn upload(bus: &Bus, width: u32, height: u32, pixels: &[u8], max_bytes: u64) -> Self {
        let row = width as usize * PIXEL as usize;
        let strip = |rows: Range<u32>| {
            let buffer = bus.upload("photo", &pixels[rows.start as usize * row..rows.end as usize * row]);
            Strip { buffer, rows }
        };
        Self { width, height, strips: cut(width, height, max_bytes).into_iter().map(strip).collect() }
    }

    /// Memory for a picture that kernels will write.
    pub fn scratch(bus: &Bus, label: &'static str, width: u32, height: u32, max_bytes: u64) -> Self {
        let strip = |rows: Range<u32>| {
            let bytes = rows.len() as u64 * width as u64 * PIXEL;
            Strip { buffer: bus.scratch(label, bytes), rows }
        };
        Self { width, height, strips: cut(width, height, max_bytes).into_iter().map(strip).collect() }
    }

    /// The rows of each strip, from the top.
    pub fn cuts(&self) -> impl Iterator<Item = Range<u32>> + '_ {
        self.strips.iter().map(|strip| strip.rows.clone())
    }

    /// The same, cut further so that with `reach` rows on each side they still keep `max_bytes`.
    pub fn parts(&self, reach: u32, max_bytes: u64) -> Vec<Range<u32>> {
        parts(self.cuts(), self.width, reach, max_bytes)
    }

    pub fn buffers(&self) -> impl Iterator<Item = &Buffer> {
        self.strips.iter().map(|strip| &strip.buffer)
    }

    /// `rows`, which one strip holds, in place.
    pub fn slice(&self, bus: &Bus, rows: &Range<u32>) -> Option<Rows> {
        let strip = self.strips.iter().find(|strip| strip.rows.start <= rows.start && rows.end <= strip.rows.end)?;
        let start = (rows.start - strip.rows.start) as u64 * self.width as u64 * PIXEL;
        let align = bus.device.limits().min_storage_buffer_offset_alignment as u64;
        let offset = start / align * align;
        let skip = (start - offset) / PIXEL;
        let size = start - offset + rows.len() as u64 * self.width as u64 * PIXEL;
        Some(Rows { buffer: strip.buffer.clone(), offset, size, skip: skip as u32 })
    }

    /// `rows` for reading: in place, or gathered on the device where they lie in several strips.
    pub fn window(&self, bus: &Bus, encoder: &mut wgpu::CommandEncoder, rows: &Range<u32>) -> Rows {
        if let Some(view) = self.slice(bus, rows) {
            return view;
        }
        let row = self.width as u64 * PIXEL;
        let size = rows.len() as u64 * row;
        let buffer = bus.scratch("window", size);
        for strip in &self.strips {
            let (start, end) = (strip.rows.start.max(rows.start), strip.rows.end.min(rows.end));
            if start < end {
                let from = (start - strip.rows.start) as u64 * row;
                let to = (start - rows.start) as u64 * row;
                encoder.copy_buffer_to_buffer(&strip.buffer, from, &buffer, to, (end - start) as u64 * row);
            }
        }
        Rows { buffer, offset: 0, size, skip: 0 }
    }
}

/// Some rows of the photo and of its matte, as one binding each.
pub struct PhotoRows {
    pub photo: Rows,
    /// The photo again if there is none: a binding must be given even where it is not read.
    pub matte: Rows,
    pub has_matte: bool,
}

impl PhotoRows {
    pub fn new(bus: &Bus, encoder: &mut wgpu::CommandEncoder, frame: &Frame, rows: &Range<u32>) -> Self {
        let photo = frame.photo.window(bus, encoder, rows);
        let matte = frame.matte.as_ref().map(|matte| matte.window(bus, encoder, rows));
        let has_matte = matte.is_some();
        Self { matte: matte.unwrap_or_else(|| photo.clone()), photo, has_matte }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_cover_every_row_once_and_keep_the_limit() {
        for (width, height, max) in [(10, 7, 40), (10, 7, 81), (10, 7, 1 << 30), (16384, 3051, 128 << 20)] {
            let cuts = cut(width, height, max);
            assert_eq!(cuts.first().unwrap().start, 0);
            assert_eq!(cuts.last().unwrap().end, height);
            assert!(cuts.windows(2).all(|pair| pair[0].end == pair[1].start));
            assert!(cuts.iter().all(|rows| rows.len() as u64 * width as u64 * PIXEL <= max));
        }
    }

    #[test]
    fn parts_keep_the_limit_with_the_rows_around_them() {
        let cuts = cut(100, 1000, 100_000);
        assert_eq!(cuts.len(), 4);
        let parts = parts(cuts.into_iter(), 100, 20, 100_000);
        assert_eq!(parts.iter().map(ExactSizeIterator::len).sum::<usize>(), 1000);
        assert!(parts.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert!(parts.iter().all(|rows| (rows.len() as u64 + 40) * 100 * PIXEL <= 100_000), "{parts:?}");
    }

    #[test]
    fn a_picture_within_the_limit_is_one_strip() {
        assert_eq!(cut(4000, 3000, 48_000_000), vec![0..3000]);
    }
}
