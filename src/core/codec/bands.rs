//! What the IDAT chunks of a PNG hold: its rows, filtered and deflated in bands side by side.
//!
//! A band is raw deflate that ends on a byte's boundary (a sync flush), so that bands follow each other as one zlib
//! stream, as pigz makes it. Where bands begin depends on the picture alone, never on the number of threads.

use rayon::prelude::*;
use zlib_rs::adler32::{adler32, adler32_combine};
use zlib_rs::{Deflate, DeflateError, DeflateFlush};

use super::{Compression, Depth, Sample};

/// Bytes of a band, filtered. Bands do not see each other's bytes, which costs 0.3 percent of the size at most; to prime
/// each with what is before it wins half of that back and takes up to 15 percent longer.
const BAND_BYTES: usize = 512 << 10;

/// The filters, by their numbers in PNG.
const SUB: u8 = 1;
const UP: u8 = 2;
const AVERAGE: u8 = 3;
const PAETH: u8 = 4;

/// How much work a row is worth.
struct Effort {
    /// The header of the stream, which tells of the level.
    header: [u8; 2],
    /// zlib's level.
    level: i32,
    /// What is tried on each row.
    filters: &'static [u8],
}

impl Effort {
    /// Measured over portraits, cut-outs, hair and 16 bits, beside the `png` crate's fast setting. zlib's level 2 makes
    /// files that are up to half smaller (5 percent larger at worst) in about the same time on two cores; there, all
    /// five filters win 2 percent and take up to half as long again. Level 6 makes them another 5 to 17 percent smaller in
    /// up to five times the time; level 9 wins 4 percent at best, loses on 16 bits, and takes twice to eight times as
    /// long.
    fn of(compression: Compression) -> Self {
        match compression {
            Compression::Fast => Self { header: [0x78, 0x01], level: 2, filters: &[UP] },
            Compression::Small => Self { header: [0x78, 0x9c], level: 6, filters: &[0, SUB, UP, AVERAGE, PAETH] },
        }
    }
}

/// One zlib stream of all rows of a picture, in parts that follow each other. `samples` has `width` times `channels`
/// samples a row, at least one.
pub(super) fn zlib<T: Sample>(
    samples: &[T],
    width: usize,
    channels: usize,
    compression: Compression,
) -> Result<Vec<Vec<u8>>, DeflateError> {
    let effort = Effort::of(compression);
    let across = width * channels;
    let stored = across * size_of::<T>() + 1;
    let step = (BAND_BYTES / stored).max(1) * across;
    let band = |(index, rows): (usize, &[T])| {
        let from = index * step;
        let filtered = filter_rows(&samples[from.saturating_sub(across)..from], rows, across, channels, effort.filters);
        let header = if from == 0 { &effort.header[..] } else { &[] };
        let flush = if from + rows.len() == samples.len() { DeflateFlush::Finish } else { DeflateFlush::SyncFlush };
        let part = deflate(&filtered, effort.level, header, flush)?;
        Ok((part, adler32(1, &filtered), filtered.len()))
    };
    let bands: Vec<(Vec<u8>, u32, usize)> =
        samples.par_chunks(step).enumerate().map(band).collect::<Result<_, DeflateError>>()?;
    let checksum = bands.iter().fold(1, |sum, (_, next, bytes)| adler32_combine(sum, *next, *bytes as u64));
    let mut parts: Vec<Vec<u8>> = bands.into_iter().map(|(part, ..)| part).collect();
    if let Some(last) = parts.last_mut() {
        last.extend(checksum.to_be_bytes());
    }
    Ok(parts)
}

/// `rows` as they are stored, each behind the number of its filter: the one of `filters` that leaves the least.
/// `above` is the row before them, empty if there is none.
fn filter_rows<T: Sample>(above: &[T], rows: &[T], across: usize, channels: usize, filters: &[u8]) -> Vec<u8> {
    let pixel = channels * size_of::<T>();
    let bytes = across * size_of::<T>();
    // A pixel of zeros stands left of each row, and a row of zeros above the first, as PNG has it.
    let (mut before, mut row) = (vec![0; pixel + bytes], vec![0; pixel + bytes]);
    store(above, &mut before[pixel..]);
    let mut tried = vec![0; bytes];
    let mut out = vec![0; rows.len() / across * (bytes + 1)];
    for (samples, out) in rows.chunks_exact(across).zip(out.chunks_exact_mut(bytes + 1)) {
        store(samples, &mut row[pixel..]);
        let (number, best) = out.split_first_mut().expect("a row has a filter");
        let mut least = u64::MAX;
        for &kind in filters {
            filter(kind, pixel, &before, &row, &mut tried);
            let left = if filters.len() == 1 { 0 } else { left_over(&tried) };
            if left < least {
                (least, *number) = (left, kind);
                best.copy_from_slice(&tried);
            }
        }
        std::mem::swap(&mut before, &mut row);
    }
    out
}

/// Samples as PNG stores them: big-endian.
fn store<T: Sample>(samples: &[T], into: &mut [u8]) {
    match T::DEPTH {
        Depth::Eight => into[..samples.len()].copy_from_slice(bytemuck::cast_slice(samples)),
        Depth::Sixteen => {
            for (bytes, sample) in into.as_chunks_mut::<2>().0.iter_mut().zip(samples) {
                *bytes = (sample.exact() as u16).to_be_bytes();
            }
        }
    }
}

/// One filter over one row; `above` and `row` begin with a pixel of zeros, of `pixel` bytes.
fn filter(kind: u8, pixel: usize, above: &[u8], row: &[u8], out: &mut [u8]) {
    match kind {
        SUB => predict(pixel, above, row, out, |a, _, _| a),
        UP => predict(pixel, above, row, out, |_, b, _| b),
        AVERAGE => predict(pixel, above, row, out, |a, b, _| ((a as u16 + b as u16) / 2) as u8),
        PAETH => predict(pixel, above, row, out, paeth),
        _ => out.copy_from_slice(&row[pixel..]),
    }
}

/// Each byte less what `by` makes of those left of it, above it, and above left: a, b and c in PNG's words.
fn predict(pixel: usize, above: &[u8], row: &[u8], out: &mut [u8], by: impl Fn(u8, u8, u8) -> u8) {
    let around = row[pixel..].iter().zip(row).zip(&above[pixel..]).zip(above);
    for (out, (((x, a), b), c)) in out.iter_mut().zip(around) {
        *out = x.wrapping_sub(by(*a, *b, *c));
    }
}

/// Which of the three is nearest to a + b - c.
fn paeth(a: u8, b: u8, c: u8) -> u8 {
    let [x, y, z] = [a, b, c].map(i16::from);
    let (from_a, from_b, from_c) = ((y - z).abs(), (x - z).abs(), (x + y - 2 * z).abs());
    match () {
        () if from_a <= from_b && from_a <= from_c => a,
        () if from_b <= from_c => b,
        () => c,
    }
}

/// The sum of a row's bytes, taken as signed, without their signs: the usual guess at what deflate makes of it.
fn left_over(row: &[u8]) -> u64 {
    // In pieces whose sums stay small, which the compiler turns into wide additions.
    let piece = |bytes: &[u8]| bytes.iter().map(|byte| (*byte as i8).unsigned_abs() as u32).sum::<u32>() as u64;
    row.chunks(4096).map(piece).sum()
}

fn deflate(data: &[u8], level: i32, header: &[u8], flush: DeflateFlush) -> Result<Vec<u8>, DeflateError> {
    const WINDOW_BITS: u8 = 15;
    let mut stream = Deflate::new(level, false, WINDOW_BITS);
    let mut out = header.to_vec();
    out.resize(data.len() / 8 + 1024, 0);
    loop {
        let (read, written) = (stream.total_in() as usize, header.len() + stream.total_out() as usize);
        stream.compress(&data[read..], &mut out[written..], flush)?;
        let written = header.len() + stream.total_out() as usize;
        // Room that is left says that all was flushed.
        if written < out.len() {
            out.truncate(written);
            out.shrink_to_fit();
            return Ok(out);
        }
        out.resize(out.len() * 2, 0);
    }
}
