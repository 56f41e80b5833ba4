//! The compressed data of a PNG: rows are filtered and deflated in bands, in parallel.
//!
//! Each band is a raw deflate stream that ends at a byte boundary (a sync flush), so that the bands concatenate to one
//! zlib stream, as in pigz. The band boundaries depend only on the image, never on the number of threads.

use rayon::prelude::*;
use zlib_rs::adler32::{adler32, adler32_combine};
use zlib_rs::{Deflate, DeflateError, DeflateFlush};

use super::encoding::Compression;
use super::sample::{Depth, Sample};

/// Filtered bytes per band. Bands do not share a dictionary, which costs at most 0.3 percent of the size. Priming each
/// band with the bytes before it regains half of that and takes up to 15 percent longer.
const BAND_BYTES: usize = 512 << 10;

/// The filter types by their numbers in the PNG specification; 0 is no filter.
const SUB: u8 = 1;
const UP: u8 = 2;
const AVERAGE: u8 = 3;
const PAETH: u8 = 4;

/// How hard to compress.
struct Effort {
    /// The zlib header, which encodes the level.
    header: [u8; 2],
    /// The zlib level, 0 to 9.
    level: i32,
    /// The filter types that are tried on each row.
    filters: &'static [u8],
}

impl Effort {
    /// Measured on portraits, cut-outs, hair and 16-bit images against the `png` crate's fast setting. zlib level 2
    /// makes files up to half smaller (at worst 5 percent larger) in about the same time on two cores. At that level,
    /// trying all five filters saves 2 percent and takes up to half as long again. Level 6 saves another 5 to 17
    /// percent in up to five times the time. Level 9 saves at most 4 percent more, loses on 16-bit images, and takes
    /// two to eight times as long.
    fn of(compression: Compression) -> Self {
        match compression {
            Compression::Fast => Self { header: [0x78, 0x01], level: 2, filters: &[UP] },
            Compression::Small => Self { header: [0x78, 0x9c], level: 6, filters: &[0, SUB, UP, AVERAGE, PAETH] },
        }
    }
}

/// Compresses all rows of an image to one zlib stream, returned in consecutive parts. `samples` has `width * channels`
/// samples per row and at least one row.
pub(super) fn zlib_stream<T: Sample>(
    samples: &[T],
    width: usize,
    channels: usize,
    compression: Compression,
) -> Result<Vec<Vec<u8>>, DeflateError> {
    let effort = Effort::of(compression);
    let row_samples = width * channels;
    let filtered_row_bytes = row_samples * size_of::<T>() + 1;
    let band_samples = (BAND_BYTES / filtered_row_bytes).max(1) * row_samples;
    let band = |(index, rows): (usize, &[T])| {
        let start = index * band_samples;
        let row_above = &samples[start.saturating_sub(row_samples)..start];
        let filtered = filter_rows(row_above, rows, row_samples, channels, effort.filters);
        let header = if start == 0 { &effort.header[..] } else { &[] };
        let is_last = start + rows.len() == samples.len();
        let flush = if is_last { DeflateFlush::Finish } else { DeflateFlush::SyncFlush };
        let part = deflate(&filtered, effort.level, header, flush)?;
        Ok((part, adler32(1, &filtered), filtered.len()))
    };
    let bands: Vec<(Vec<u8>, u32, usize)> =
        samples.par_chunks(band_samples).enumerate().map(band).collect::<Result<_, DeflateError>>()?;
    let checksum = bands.iter().fold(1, |sum, (_, next, bytes)| adler32_combine(sum, *next, *bytes as u64));
    let mut parts: Vec<Vec<u8>> = bands.into_iter().map(|(part, ..)| part).collect();
    if let Some(last) = parts.last_mut() {
        last.extend(checksum.to_be_bytes());
    }
    Ok(parts)
}

/// Filters `rows`, each preceded by its filter type: of `filters`, the one with the smallest sum of absolute values.
/// `row_above` precedes the first row; it is empty at the top of the image.
fn filter_rows<T: Sample>(row_above: &[T], rows: &[T], row_samples: usize, channels: usize, filters: &[u8]) -> Vec<u8> {
    let pixel_bytes = channels * size_of::<T>();
    let row_bytes = row_samples * size_of::<T>();
    // PNG defines a pixel of zeros to the left of each row, and a row of zeros above the first.
    let (mut above, mut row) = (vec![0; pixel_bytes + row_bytes], vec![0; pixel_bytes + row_bytes]);
    store_big_endian(row_above, &mut above[pixel_bytes..]);
    let mut candidate = vec![0; row_bytes];
    let mut filtered = vec![0; rows.len() / row_samples * (row_bytes + 1)];
    for (samples, out) in rows.chunks_exact(row_samples).zip(filtered.chunks_exact_mut(row_bytes + 1)) {
        store_big_endian(samples, &mut row[pixel_bytes..]);
        let (filter_type, best) = out.split_first_mut().expect("a row has a filter type");
        let mut smallest = u64::MAX;
        for &kind in filters {
            filter(kind, pixel_bytes, &above, &row, &mut candidate);
            let sum = if filters.len() == 1 { 0 } else { absolute_sum(&candidate) };
            if sum < smallest {
                (smallest, *filter_type) = (sum, kind);
                best.copy_from_slice(&candidate);
            }
        }
        std::mem::swap(&mut above, &mut row);
    }
    filtered
}

/// Stores samples as PNG does: big-endian.
fn store_big_endian<T: Sample>(samples: &[T], bytes: &mut [u8]) {
    match T::DEPTH {
        Depth::Eight => bytes[..samples.len()].copy_from_slice(bytemuck::cast_slice(samples)),
        Depth::Sixteen => {
            for (bytes, sample) in bytes.as_chunks_mut::<2>().0.iter_mut().zip(samples) {
                *bytes = (sample.to_u64() as u16).to_be_bytes();
            }
        }
    }
}

/// Applies filter type `kind` to one row. `above` and `row` begin with the zero pixel of `pixel_bytes` bytes.
fn filter(kind: u8, pixel_bytes: usize, above: &[u8], row: &[u8], out: &mut [u8]) {
    match kind {
        SUB => subtract_prediction(pixel_bytes, above, row, out, |a, _, _| a),
        UP => subtract_prediction(pixel_bytes, above, row, out, |_, b, _| b),
        AVERAGE => subtract_prediction(pixel_bytes, above, row, out, |a, b, _| ((a as u16 + b as u16) / 2) as u8),
        PAETH => subtract_prediction(pixel_bytes, above, row, out, paeth),
        _ => out.copy_from_slice(&row[pixel_bytes..]),
    }
}

/// Subtracts from each byte its prediction from the bytes to the left, above, and above left: a, b and c in the PNG
/// specification.
fn subtract_prediction(
    pixel_bytes: usize,
    above: &[u8],
    row: &[u8],
    out: &mut [u8],
    predict: impl Fn(u8, u8, u8) -> u8,
) {
    let neighbours = row[pixel_bytes..].iter().zip(row).zip(&above[pixel_bytes..]).zip(above);
    for (out, (((x, a), b), c)) in out.iter_mut().zip(neighbours) {
        *out = x.wrapping_sub(predict(*a, *b, *c));
    }
}

/// Returns the one of the three that is nearest to `a + b - c`.
fn paeth(a: u8, b: u8, c: u8) -> u8 {
    let [x, y, z] = [a, b, c].map(i16::from);
    let (from_a, from_b, from_c) = ((y - z).abs(), (x - z).abs(), (x + y - 2 * z).abs());
    match () {
        () if from_a <= from_b && from_a <= from_c => a,
        () if from_b <= from_c => b,
        () => c,
    }
}

/// Sums the absolute values of the bytes taken as signed: the usual estimate of how well a filtered row compresses.
fn absolute_sum(row: &[u8]) -> u64 {
    // Sums over short pieces stay within 32 bits, which the compiler vectorises.
    let piece = |bytes: &[u8]| bytes.iter().map(|byte| (*byte as i8).unsigned_abs() as u32).sum::<u32>() as u64;
    row.chunks(4096).map(piece).sum()
}

/// Deflates `data` behind `header`.
fn deflate(data: &[u8], level: i32, header: &[u8], flush: DeflateFlush) -> Result<Vec<u8>, DeflateError> {
    const WINDOW_BITS: u8 = 15;
    let mut stream = Deflate::new(level, false, WINDOW_BITS);
    let mut out = header.to_vec();
    out.resize(data.len() / 8 + 1024, 0);
    loop {
        let (read, written) = (stream.total_in() as usize, header.len() + stream.total_out() as usize);
        stream.compress(&data[read..], &mut out[written..], flush)?;
        let written = header.len() + stream.total_out() as usize;
        // Unused space means that everything has been flushed.
        if written < out.len() {
            out.truncate(written);
            out.shrink_to_fit();
            return Ok(out);
        }
        out.resize(out.len() * 2, 0);
    }
}
