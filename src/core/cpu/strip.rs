//! A strip of columns of the result, made row by row from the photo: premultiplied, resampled across and down, its luma
//! and alpha blurred, sharpened and packed.
//!
//! Only the few rows that the filters reach are kept, and they stay in the core's cache. Rows that are clear or full as
//! far as the filters reach take shorter ways to the same result.

use std::ops::Range;

use super::enhance::Road;
use super::rows::{self, Cover, LANES, TAPS};
use super::sharpen;
use super::span::Around;
use crate::codec::Sample;

/// Columns of a strip.
pub const COLUMNS: usize = 256;

/// Rows of the photo that are kept: those Lanczos-3 reads for one of the result, in a power of two.
const KEPT: usize = TAPS.next_power_of_two();

/// What one thread needs to make strips.
pub struct Strip<'a> {
    road: &'a Road<'a>,
    /// Samples of a plane's row, padded.
    stride: usize,
    /// A row of the photo, premultiplied.
    source: Vec<[f32; 4]>,
    /// The photo's rows as wide as the result, by their number modulo [`KEPT`].
    wide: Vec<Row>,
    /// The result's rows before sharpening, by their number modulo the rows a blur reads.
    made: Vec<Row>,
    /// A row of luma or alpha, its ends prolonged.
    padded: Vec<f32>,
    /// A row of luma, then of alpha, blurred both ways.
    means: Vec<f32>,
    around: Around,
    /// The strip's own columns, and those with what its blur reaches.
    own: Range<usize>,
    reached: Range<usize>,
    /// The photo's columns that are read.
    columns: Range<usize>,
}

/// Rows of red, green, blue, premultiplied, and of alpha, then of blurred luma and alpha.
#[derive(Default)]
struct Row {
    planes: Vec<f32>,
    cover: Cover,
}

impl Row {
    fn clear(&mut self) {
        // What is clear already is 0.
        if self.cover != Cover::Clear {
            self.planes.fill(0.0);
            self.cover = Cover::Clear;
        }
    }
}

impl<'a> Strip<'a> {
    pub fn new(road: &'a Road<'a>) -> Self {
        let reach = road.radius();
        let stride = (COLUMNS + 2 * reach).next_multiple_of(LANES);
        let rows = |count: usize, planes: usize| {
            (0..count).map(|_| Row { planes: vec![0.0; planes * stride], cover: Cover::Clear }).collect()
        };
        Self {
            road,
            stride,
            source: vec![[0.0; 4]; stride + 2 * LANES + 2 * TAPS],
            wide: rows(KEPT, 4),
            made: rows(2 * reach + 1, 6),
            padded: vec![0.0; stride + LANES + 2 * reach],
            means: vec![0.0; 2 * stride],
            around: Around::new(COLUMNS),
            own: 0..0,
            reached: 0..0,
            columns: 0..0,
        }
    }

    /// Rows `rows` of the result, in its columns `own`; `out` is those rows, at their full width, 0 before.
    pub fn run<T: Sample>(&mut self, own: Range<usize>, rows: Range<usize>, out: &mut [T]) {
        let road = self.road;
        let reach = road.radius();
        let photo_height = road.frame.photo.height as usize;
        self.reached = own.start.saturating_sub(reach)..(own.end + reach).min(road.width);
        let last = road.across.first[self.reached.end - 1] as usize + TAPS;
        self.columns = road.across.first[self.reached.start] as usize..last.min(road.frame.photo.width as usize);
        self.own = own;
        self.around.begin(road, self.own.clone());
        let begin = rows.start.saturating_sub(reach);
        let mut taken = road.down.first[begin] as usize;
        let mut next = rows.start;
        for y in begin..(rows.end + reach).min(road.height) {
            let needed = (road.down.first[y] as usize + TAPS).min(photo_height);
            (taken..needed).for_each(|row| self.take(row));
            taken = needed;
            self.make(y);
            while next < rows.end && (next + reach).min(road.height - 1) <= y {
                let at = 4 * ((next - rows.start) * road.width + self.own.start);
                self.write(next, out[at..][..4 * self.own.len()].as_chunks_mut().0);
                next += 1;
            }
        }
    }

    /// A row of the photo, as wide as the result.
    fn take(&mut self, row: usize) {
        let Road { frame, across, .. } = self.road;
        let (pixels, matte) = frame.part(row, self.columns.clone());
        let wide = &mut self.wide[row % KEPT];
        let cover = rows::cover(pixels, matte);
        if cover == Cover::Clear {
            return wide.clear();
        }
        rows::premultiply(pixels, matte, &mut self.source);
        let end = self.reached.start + self.reached.len().next_multiple_of(LANES);
        let (first, weights) = (&across.first[self.reached.start..end], &across.weights[self.reached.start..end]);
        rows::across(&self.source, first, weights, self.columns.start, &mut wide.planes, self.stride);
        wide.cover = cover;
    }

    /// A row of the result before sharpening, and the blur of its luma and alpha along it.
    fn make(&mut self, y: usize) {
        let Road { frame, down, .. } = self.road;
        let last = frame.photo.height as usize - 1;
        let wide: [&Row; TAPS] = std::array::from_fn(|k| &self.wide[(down.first[y] as usize + k).min(last) % KEPT]);
        let cover = wide.iter().map(|row| row.cover).reduce(Cover::and).unwrap_or_default();
        let count = self.made.len();
        let made = &mut self.made[y % count];
        if cover == Cover::Clear {
            return made.clear();
        }
        made.cover = cover;
        let stride = self.stride;
        let (planes, blurred) = made.planes.split_at_mut(4 * stride);
        // Where all is full, alpha is known.
        let counted = if cover == Cover::Full { 3 } else { 4 };
        planes[counted * stride..].fill(1.0);
        rows::down(&wide.map(|row| &row.planes[..counted * stride]), &down.weights[y], &mut planes[..counted * stride]);
        if cover == Cover::Soft {
            rows::snap(&mut planes[3 * stride..]);
        }
        let Some((weights, _)) = &self.road.mask else { return };
        let (luma, alpha) = blurred.split_at_mut(stride);
        let own = self.own.len().next_multiple_of(LANES);
        let before = self.reached.start + weights.len() / 2 - self.own.start;
        let inside = before..before + self.reached.len();
        let blur = |out: &mut [f32], padded: &mut [f32]| {
            // Beyond the picture its first and last pixel go on.
            let (first, last) = (padded[inside.start], padded[inside.end - 1]);
            padded[..inside.start].fill(first);
            padded[inside.end..].fill(last);
            rows::blur_across(padded, weights, &mut out[..own]);
        };
        rows::luma(planes, stride, &mut self.padded[before..before + inside.len().next_multiple_of(LANES)]);
        blur(luma, &mut self.padded);
        if cover == Cover::Full {
            return alpha.fill(1.0);
        }
        self.padded[inside.clone()].copy_from_slice(&planes[3 * stride..][..inside.len()]);
        blur(alpha, &mut self.padded);
    }

    /// A row of the result, sharpened and packed; nothing to do where all is clear.
    fn write<T: Sample>(&mut self, y: usize, out: &mut [[T; 4]]) {
        let road = self.road;
        let reach = road.radius();
        let made = |y: usize| &self.made[y % self.made.len()];
        let read = y.saturating_sub(reach)..(y + reach + 1).min(road.height);
        let cover = read.map(|y| made(y).cover).reduce(Cover::and).unwrap_or_default();
        if cover == Cover::Clear {
            return;
        }
        let planes: [&[f32]; 4] =
            std::array::from_fn(|c| &made(y).planes[c * self.stride + self.own.start - self.reached.start..]);
        let Some((weights, sharpening)) = &road.mask else { return sharpen::straighten(&planes, out) };
        let own = self.own.len().next_multiple_of(LANES);
        // Luma alone where alpha is known.
        let blurs = if cover == Cover::Full { 1 } else { 2 };
        for (n, means) in self.means.chunks_exact_mut(self.stride).take(blurs).enumerate() {
            let rows: Vec<&[f32]> = (0..weights.len())
                // Beyond the picture its last row goes on.
                .map(|k| made((y + k).saturating_sub(reach).min(road.height - 1)))
                .map(|row| &row.planes[(4 + n) * self.stride..][..own])
                .collect();
            rows::blur_down(&rows, weights, &mut means[..own]);
        }
        self.around.look(road, y, cover);
        let (luma, alpha) = self.means.split_at(self.stride);
        match cover {
            Cover::Full => sharpen::full(&planes, luma, &self.around, sharpening, out),
            _ => sharpen::soft(&planes, [luma, alpha], &self.around, sharpening, out),
        }
    }
}
