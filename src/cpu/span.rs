//! The range of colours and of alpha around each pixel: nothing that enhancement makes may leave it, so that edges get
//! no halo.

use std::ops::Range;

use rayon::prelude::*;

use super::Frame;
use crate::rules::MIN_ALPHA;

/// What is around each pixel of some rows of a result.
pub struct Around<'a> {
    frame: &'a Frame,
    spans: Vec<Span>,
    /// The photo's row that `spans` begins with.
    first: usize,
    /// The photo's column and row that each of the result's lies on.
    columns: Vec<usize>,
    rows: Vec<usize>,
}

impl<'a> Around<'a> {
    /// Of rows `rows` of a `width` by `height` result.
    pub fn new(frame: &'a Frame, width: usize, height: usize, rows: Range<usize>) -> Self {
        let columns = (0..width).map(|x| nearest(x, width, frame.photo.width as usize)).collect();
        let rows: Vec<usize> = rows.map(|y| nearest(y, height, frame.photo.height as usize)).collect();
        let (first, last) = (rows.first().copied().unwrap_or(0), rows.last().copied().unwrap_or(0));
        Self { frame, spans: spans(frame, &(first..last + 1)), first, columns, rows }
    }

    /// The straight pixel `(x, y)`, `y` counted from the first of the rows, kept within the range of what is around: its
    /// colour and its alpha, and what is seen of them on black and on white.
    #[inline]
    pub fn clamp(&self, x: usize, y: usize, straight: [f32; 4]) -> [f32; 4] {
        let (column, row) = (self.columns[x], self.rows[y]);
        let span = &self.spans[(row - self.first) * self.frame.photo.width as usize + column];
        let [r, g, b, alpha] = [0, 1, 2, 3].map(|c| span.clamp(c, straight[c]));
        // Where all around is full or clear, what is seen is the colour or nothing.
        if alpha < MIN_ALPHA || span.low[3] == u16::MAX {
            return [r, g, b, alpha];
        }
        let seen = self.seen(column, row);
        let color = |c: usize, tone: f32| {
            let [on_black, on_white] = seen[c];
            let least = on_black[0].max(alpha - on_white[1]);
            let most = on_black[1].min(alpha - on_white[0]);
            (tone * alpha).min(most).max(least) / alpha
        };
        [color(0, r), color(1, g), color(2, b), alpha]
    }

    /// Of each channel around a pixel of the photo, least and largest: premultiplied, which is what is seen on black;
    /// and alpha less that, which is what is missing on white.
    fn seen(&self, column: usize, row: usize) -> [[[f32; 2]; 2]; 3] {
        let photo = &self.frame.photo;
        let (width, height) = (photo.width as usize, photo.height as usize);
        let mut seen = [[[f32::MAX, f32::MIN]; 2]; 3];
        for y in row.saturating_sub(1)..(row + 2).min(height) {
            for x in column.saturating_sub(1)..(column + 2).min(width) {
                let at = y * width + x;
                let [color @ .., own] = photo.pixels.as_chunks::<4>().0[at];
                let alpha = self.frame.matte.as_ref().map_or(own as f32 / 255.0, |matte| matte.values[at]);
                for (seen, tone) in seen.iter_mut().zip(color) {
                    let on_black = alpha * (tone as f32 / 255.0);
                    for ([low, high], value) in seen.iter_mut().zip([on_black, alpha - on_black]) {
                        *low = low.min(value);
                        *high = high.max(value);
                    }
                }
            }
        }
        seen
    }
}

/// Least and largest over three by three pixels: straight red, green, blue, then alpha, 16 bits each.
#[derive(Debug, Clone, Copy)]
struct Span {
    low: [u16; 4],
    high: [u16; 4],
}

impl Span {
    /// Of nothing: joins with anything.
    const EMPTY: Span = Span { low: [u16::MAX; 4], high: [0; 4] };

    fn join(self, other: Span) -> Span {
        let mut joined = self;
        for c in 0..4 {
            joined.low[c] = self.low[c].min(other.low[c]);
            joined.high[c] = self.high[c].max(other.high[c]);
        }
        joined
    }

    /// `value` in 0..1 kept within channel `c`'s range; as it is where no colour around is certain.
    #[inline]
    fn clamp(&self, c: usize, value: f32) -> f32 {
        let (low, high) = (self.low[c] as f32 / 65535.0, self.high[c] as f32 / 65535.0);
        if low > high { value } else { value.clamp(low, high) }
    }
}

/// The spans of rows `rows` of `frame`.
fn spans(frame: &Frame, rows: &Range<usize>) -> Vec<Span> {
    let width = frame.photo.width as usize;
    let height = frame.photo.height as usize;
    let read = rows.start.saturating_sub(1)..(rows.end + 1).min(height);
    let own: Vec<Span> = frame.own_spans(&read).collect();
    let across: Vec<Span> = own
        .par_chunks(width)
        .flat_map_iter(|row| {
            (0..width).map(|x| row[x.saturating_sub(1)].join(row[x]).join(row[(x + 1).min(width - 1)]))
        })
        .collect();
    rows.clone()
        .flat_map(|y| {
            let row = |y: usize| &across[(y.clamp(read.start, read.end - 1) - read.start) * width..][..width];
            let (above, here, below) = (row(y.saturating_sub(1)), row(y), row(y + 1));
            (0..width).map(move |x| above[x].join(here[x]).join(below[x]))
        })
        .collect()
}

impl Frame {
    /// Each pixel of `rows` as a span of its own; its colour takes no part where its alpha is too low to know it.
    fn own_spans(&self, rows: &Range<usize>) -> impl Iterator<Item = Span> + '_ {
        let width = self.photo.width as usize;
        let range = rows.start * width..rows.end * width;
        let pixels = &self.photo.pixels.as_chunks::<4>().0[range.clone()];
        let matte = self.matte.as_ref().map(|matte| &matte.values[range]);
        pixels.iter().enumerate().map(move |(i, &[r, g, b, a])| {
            let alpha = matte.map_or(a as f32 / 255.0, |matte| matte[i]);
            let wide = (alpha * 65535.0 + 0.5) as u16;
            let color = [r, g, b].map(|tone| tone as u16 * 257);
            match alpha >= MIN_ALPHA {
                true => {
                    let own = [color[0], color[1], color[2], wide];
                    Span { low: own, high: own }
                }
                false => {
                    let mut own = Span::EMPTY;
                    own.low[3] = wide;
                    own.high[3] = wide;
                    own
                }
            }
        })
    }
}

/// The source pixel that pixel `i` of `count` lies on, of `source`.
fn nearest(i: usize, count: usize, source: usize) -> usize {
    (2 * i + 1) * source / (2 * count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Image;

    #[test]
    fn a_span_is_of_three_by_three_and_leaves_out_uncertain_colours() {
        let mut pixels = vec![100u8; 5 * 4 * 4];
        let set = |pixels: &mut Vec<u8>, x: usize, y: usize, pixel: [u8; 4]| {
            pixels[4 * (y * 5 + x)..][..4].copy_from_slice(&pixel);
        };
        (0..20).for_each(|i| set(&mut pixels, i % 5, i / 5, [100, 100, 100, 255]));
        set(&mut pixels, 1, 1, [200, 50, 100, 255]);
        set(&mut pixels, 3, 1, [0, 0, 0, 2]);
        let frame = Frame { photo: Image::new(5, 4, pixels), matte: None, census: None };
        let spans = spans(&frame, &(1..3));
        let at = |x: usize, y: usize| spans[(y - 1) * 5 + x];
        assert_eq!((at(0, 1).low[1], at(0, 2).high[0]), (50 * 257, 200 * 257));
        // The clear pixel's black is no colour around, its alpha is.
        assert_eq!((at(4, 1).low[0], at(4, 1).low[3]), (100 * 257, 2 * 257));
        assert_eq!(at(4, 1).clamp(0, 0.9), 100.0 / 255.0);
    }

    #[test]
    fn a_bright_rim_before_a_dark_subject_is_not_made_brighter_than_it_was_seen() {
        // Clear, half a bright pixel, then dark ones.
        let row = [[0, 0, 0, 0], [240, 240, 240, 128], [40, 40, 40, 255], [40, 40, 40, 255]];
        let pixels = [row; 3].into_iter().flatten().flatten().collect();
        let frame = Frame { photo: Image::new(4, 3, pixels), matte: None, census: None };
        let around = Around::new(&frame, 4, 3, 0..3);
        let bright = 240.0 / 255.0;
        let [tone, _, _, alpha] = around.clamp(1, 1, [bright, bright, bright, 0.9]);
        assert_eq!(alpha, 0.9);
        let seen = tone * alpha;
        assert!((seen - bright * 128.0 / 255.0).abs() < 1e-5, "{seen}");
    }
}
