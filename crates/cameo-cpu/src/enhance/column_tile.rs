//! A tile: some columns of the result, computed row by row from the photo. Rows are premultiplied, resampled along both
//! axes, blurred for the unsharp mask, sharpened and packed.
//!
//! Only the few rows that the filters read are kept, and they stay in the core's cache. Rows that are clear or opaque
//! as far as the filters read take shorter paths to the same result.

use std::ops::Range;

use cameo_core::codec::Sample;

use super::coverage::{Coverage, row_coverage};
use super::inputs::EnhanceInputs;
use super::lanes::LANES;
use super::local_range::LocalRange;
use super::pack::unpremultiply_row;
use super::resample::{TAPS, premultiply, resample_columns, resample_rows, snap_opaque_row};
use super::sharpen::{blur_columns, blur_rows, luma_row, sharpen_opaque_row, sharpen_soft_row};

/// The maximum number of columns of a tile.
pub const TILE_COLUMNS: usize = 256;

/// Rows of the photo that are kept: those that Lanczos-3 reads for one row of the result, rounded up to a power of two.
const PHOTO_ROWS: usize = TAPS.next_power_of_two();

/// The buffers of one thread, and its current tile.
pub struct ColumnTile<'a> {
    inputs: &'a EnhanceInputs<'a>,
    /// Values of a plane's row, padded.
    stride: usize,
    /// A row of the photo, premultiplied.
    premultiplied: Vec<[f32; 4]>,
    /// Rows of the photo at the result's width, by their number modulo [`PHOTO_ROWS`].
    photo_rows: Vec<PlaneRow>,
    /// Rows of the result before sharpening, by their number modulo the rows that the blur reads.
    result_rows: Vec<PlaneRow>,
    /// A row of luma or alpha, with its ends repeated.
    padded: Vec<f32>,
    /// A row of luma, then of alpha, blurred along both axes.
    blurred: Vec<f32>,
    local_range: LocalRange,
    /// The tile's columns of the result.
    columns: Range<usize>,
    /// These columns and those that the blur reads on each side.
    blur_columns: Range<usize>,
    /// The photo's columns that are read.
    photo_columns: Range<usize>,
}

/// A row of several planes: red, green and blue, premultiplied, and alpha; for rows of the result, luma and alpha
/// blurred along the row follow.
struct PlaneRow {
    planes: Vec<f32>,
    coverage: Coverage,
}

impl PlaneRow {
    /// Sets all planes to 0, as they are already in a clear row.
    fn clear(&mut self) {
        if self.coverage != Coverage::Clear {
            self.planes.fill(0.0);
            self.coverage = Coverage::Clear;
        }
    }
}

impl<'a> ColumnTile<'a> {
    pub fn new(inputs: &'a EnhanceInputs<'a>) -> Self {
        let radius = inputs.blur_radius();
        let stride = (TILE_COLUMNS + 2 * radius).next_multiple_of(LANES);
        let rows = |count: usize, planes: usize| {
            (0..count).map(|_| PlaneRow { planes: vec![0.0; planes * stride], coverage: Coverage::Clear }).collect()
        };
        Self {
            inputs,
            stride,
            premultiplied: vec![[0.0; 4]; stride + 2 * LANES + 2 * TAPS],
            photo_rows: rows(PHOTO_ROWS, 4),
            result_rows: rows(2 * radius + 1, 6),
            padded: vec![0.0; stride + LANES + 2 * radius],
            blurred: vec![0.0; 2 * stride],
            local_range: LocalRange::new(TILE_COLUMNS),
            columns: 0..0,
            blur_columns: 0..0,
            photo_columns: 0..0,
        }
    }

    /// Computes `columns` of the rows `rows` of the result. `out` holds these rows at their full width, and is 0
    /// before.
    pub fn enhance<T: Sample>(&mut self, columns: Range<usize>, rows: Range<usize>, out: &mut [T]) {
        let inputs = self.inputs;
        let radius = inputs.blur_radius();
        let photo_height = inputs.frame.photo.height as usize;
        self.set_columns(columns);
        let first_row = rows.start.saturating_sub(radius);
        let mut next_photo_row = inputs.vertical.first[first_row] as usize;
        let mut next_row = rows.start;
        for y in first_row..(rows.end + radius).min(inputs.height) {
            let photo_end = (inputs.vertical.first[y] as usize + TAPS).min(photo_height);
            (next_photo_row..photo_end).for_each(|row| self.read_photo_row(row));
            next_photo_row = photo_end;
            self.resample_row(y);
            while next_row < rows.end && (next_row + radius).min(inputs.height - 1) <= y {
                let start = 4 * ((next_row - rows.start) * inputs.width + self.columns.start);
                self.write_row(next_row, out[start..][..4 * self.columns.len()].as_chunks_mut().0);
                next_row += 1;
            }
        }
    }

    fn set_columns(&mut self, columns: Range<usize>) {
        let inputs = self.inputs;
        let radius = inputs.blur_radius();
        self.blur_columns = columns.start.saturating_sub(radius)..(columns.end + radius).min(inputs.width);
        let photo_start = inputs.horizontal.first[self.blur_columns.start] as usize;
        let photo_end = inputs.horizontal.first[self.blur_columns.end - 1] as usize + TAPS;
        self.photo_columns = photo_start..photo_end.min(inputs.frame.photo.width as usize);
        self.local_range.set_columns(inputs, columns.clone());
        self.columns = columns;
    }

    /// Resamples a row of the photo to the result's width.
    fn read_photo_row(&mut self, row: usize) {
        let EnhanceInputs { frame, horizontal, .. } = self.inputs;
        let (pixels, matte) = frame.row_part(row, self.photo_columns.clone());
        let resampled = &mut self.photo_rows[row % PHOTO_ROWS];
        let coverage = row_coverage(pixels, matte);
        if coverage == Coverage::Clear {
            return resampled.clear();
        }
        premultiply(pixels, matte, &mut self.premultiplied);
        let start = self.blur_columns.start;
        let padded = start..start + self.blur_columns.len().next_multiple_of(LANES);
        resample_rows(
            &self.premultiplied,
            &horizontal.first[padded.clone()],
            &horizontal.weights[padded],
            self.photo_columns.start,
            &mut resampled.planes,
            self.stride,
        );
        resampled.coverage = coverage;
    }

    /// Computes row `y` of the result before sharpening, and blurs its luma and alpha along the row.
    fn resample_row(&mut self, y: usize) {
        let EnhanceInputs { frame, vertical, unsharp_mask, .. } = self.inputs;
        let last = frame.photo.height as usize - 1;
        let photo_rows: [&PlaneRow; TAPS] =
            std::array::from_fn(|k| &self.photo_rows[(vertical.first[y] as usize + k).min(last) % PHOTO_ROWS]);
        let coverage = photo_rows.iter().map(|row| row.coverage).reduce(Coverage::and).unwrap_or_default();
        let count = self.result_rows.len();
        let row = &mut self.result_rows[y % count];
        if coverage == Coverage::Clear {
            return row.clear();
        }
        row.coverage = coverage;
        let stride = self.stride;
        let planes = &mut row.planes[..4 * stride];
        // Where everything is opaque, alpha is known to be 1.
        let resampled = if coverage == Coverage::Opaque { 3 * stride } else { 4 * stride };
        planes[resampled..].fill(1.0);
        let sources = photo_rows.map(|row| &row.planes[..resampled]);
        resample_columns(&sources, &vertical.weights[y], &mut planes[..resampled]);
        if coverage == Coverage::Soft {
            snap_opaque_row(&mut planes[3 * stride..]);
        }
        if let Some(mask) = unsharp_mask {
            self.blur_row(y, &mask.kernel);
        }
    }

    /// Blurs luma and alpha of row `y` of the result along the row.
    fn blur_row(&mut self, y: usize, kernel: &[f32]) {
        let (stride, count) = (self.stride, self.result_rows.len());
        let PlaneRow { planes, coverage } = &mut self.result_rows[y % count];
        let (planes, blurred) = planes.split_at_mut(4 * stride);
        let (blurred_luma, blurred_alpha) = blurred.split_at_mut(stride);
        let width = self.columns.len().next_multiple_of(LANES);
        let start = self.blur_columns.start + kernel.len() / 2 - self.columns.start;
        let inside = start..start + self.blur_columns.len();
        let blur = |padded: &mut [f32], out: &mut [f32]| {
            // Beyond the picture its first and last pixels are repeated.
            let (first, last) = (padded[inside.start], padded[inside.end - 1]);
            padded[..inside.start].fill(first);
            padded[inside.end..].fill(last);
            blur_rows(padded, kernel, &mut out[..width]);
        };
        luma_row(planes, stride, &mut self.padded[start..start + inside.len().next_multiple_of(LANES)]);
        blur(&mut self.padded, blurred_luma);
        if *coverage == Coverage::Opaque {
            return blurred_alpha.fill(1.0);
        }
        self.padded[inside.clone()].copy_from_slice(&planes[3 * stride..][..inside.len()]);
        blur(&mut self.padded, blurred_alpha);
    }

    /// Sharpens and packs row `y` of the result. A clear row is left as it is.
    fn write_row<T: Sample>(&mut self, y: usize, out: &mut [[T; 4]]) {
        let inputs = self.inputs;
        let radius = inputs.blur_radius();
        let result_row = |y: usize| &self.result_rows[y % self.result_rows.len()];
        let blurred_rows = y.saturating_sub(radius)..(y + radius + 1).min(inputs.height);
        let coverage = blurred_rows.map(|y| result_row(y).coverage).reduce(Coverage::and).unwrap_or_default();
        if coverage == Coverage::Clear {
            return;
        }
        let start = self.columns.start - self.blur_columns.start;
        let planes: [&[f32]; 4] = std::array::from_fn(|c| &result_row(y).planes[c * self.stride + start..]);
        let Some(mask) = &inputs.unsharp_mask else { return unpremultiply_row(&planes, out) };
        let width = self.columns.len().next_multiple_of(LANES);
        // Only luma where alpha is known.
        let blurred_planes = if coverage == Coverage::Opaque { 1 } else { 2 };
        for (n, blurred) in self.blurred.chunks_exact_mut(self.stride).take(blurred_planes).enumerate() {
            let rows: Vec<&[f32]> = (0..mask.kernel.len())
                // Beyond the picture its first and last rows are repeated.
                .map(|k| result_row((y + k).saturating_sub(radius).min(inputs.height - 1)))
                .map(|row| &row.planes[(4 + n) * self.stride..][..width])
                .collect();
            blur_columns(&rows, &mask.kernel, &mut blurred[..width]);
        }
        self.local_range.set_row(inputs, y, coverage);
        let (luma, alpha) = self.blurred.split_at(self.stride);
        match coverage {
            Coverage::Opaque => sharpen_opaque_row(&planes, luma, &self.local_range, &mask.sharpening, out),
            _ => sharpen_soft_row(&planes, [luma, alpha], &self.local_range, &mask.sharpening, out),
        }
    }
}
