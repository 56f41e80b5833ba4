//! The compressed data of a PNG: rows are filtered and deflated in bands, in parallel.
//!
//! Each band is a raw deflate stream that ends at a byte boundary (a sync flush), so that the bands concatenate to one
//! zlib stream, as in pigz. The band boundaries depend only on the image, never on the number of threads.

use rayon::prelude::*;
use zlib_rs::adler32::{adler32, adler32_combine};
use zlib_rs::{Deflate, DeflateError, DeflateFlush};

use super::encoding::Compression;
use super::png_deflate::{bytes_without_search, deflate_without_search};
use super::sample::{Depth, Sample};

/// Filtered bytes per band. Bands do not share a dictionary, which costs at most 0.3 percent of the size. Priming each
/// band with the bytes before it regains half of that and takes up to 15 percent longer.
const BAND_BYTES: usize = 512 << 10;

/// The filter type of all rows. Over portraits, cut-outs, camera noise and drawings, a choice of the best of all five for
/// each row saved at most half a percent.
const PAETH: u8 = 4;

/// zlib's levels for [`Compression::Fast`], where a search for repetitions pays, and [`Compression::Small`].
const FAST_LEVEL: i32 = 2;
const SMALL_LEVEL: i32 = 6;

/// A band is sampled at so many places, by pieces of so many bytes.
const SAMPLES: usize = 8;
const SAMPLE_BYTES: usize = 1 << 10;

/// Compresses all rows of an image to one zlib stream, returned in consecutive parts. `samples` has `width * channels`
/// samples per row and at least one row.
pub(super) fn zlib_stream<T: Sample>(
    samples: &[T],
    width: usize,
    channels: usize,
    compression: Compression,
) -> Result<Vec<Vec<u8>>, DeflateError> {
    // The zlib header, which states the level.
    let header = match compression {
        Compression::Fast => [0x78, 0x01],
        Compression::Small => [0x78, 0x9c],
    };
    let row_samples = width * channels;
    let filtered_row_bytes = row_samples * size_of::<T>() + 1;
    let band_samples = (BAND_BYTES / filtered_row_bytes).max(1) * row_samples;
    let band = |(index, rows): (usize, &[T])| {
        let start = index * band_samples;
        let row_above = &samples[start.saturating_sub(row_samples)..start];
        let filtered = filter_rows(row_above, rows, row_samples, channels);
        let is_last = start + rows.len() == samples.len();
        let mut part = compress(&filtered, compression, is_last)?;
        if start == 0 {
            part.splice(..0, header);
        }
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

/// Filters `rows`, each preceded by its filter type. `row_above` precedes the first row; it is empty at the top of the
/// image.
fn filter_rows<T: Sample>(row_above: &[T], rows: &[T], row_samples: usize, channels: usize) -> Vec<u8> {
    let pixel_bytes = channels * size_of::<T>();
    let row_bytes = row_samples * size_of::<T>();
    // PNG defines a pixel of zeros to the left of each row, and a row of zeros above the first.
    let (mut above, mut row) = (vec![0; pixel_bytes + row_bytes], vec![0; pixel_bytes + row_bytes]);
    store_big_endian(row_above, &mut above[pixel_bytes..]);
    let mut filtered = vec![0; rows.len() / row_samples * (row_bytes + 1)];
    for (samples, out) in rows.chunks_exact(row_samples).zip(filtered.chunks_exact_mut(row_bytes + 1)) {
        store_big_endian(samples, &mut row[pixel_bytes..]);
        let (filter_type, residuals) = out.split_first_mut().expect("a row has a filter type");
        *filter_type = PAETH;
        subtract_prediction(pixel_bytes, &above, &row, residuals);
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

/// Subtracts from each byte what Paeth predicts from those to the left, above, and above left. `above` and `row` begin
/// with the zero pixel of `pixel_bytes` bytes.
// Inlined, the compiler no longer knows that the slices do not overlap, and does not vectorise the loop.
#[inline(never)]
fn subtract_prediction(pixel_bytes: usize, above: &[u8], row: &[u8], out: &mut [u8]) {
    let neighbours = row[pixel_bytes..].iter().zip(row).zip(&above[pixel_bytes..]).zip(above);
    for (out, (((x, a), b), c)) in out.iter_mut().zip(neighbours) {
        *out = x.wrapping_sub(paeth(*a, *b, *c));
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

/// Compresses a band. [`Compression::Fast`] searches for repetitions only where there seem to be many.
fn compress(filtered: &[u8], compression: Compression, is_last: bool) -> Result<Vec<u8>, DeflateError> {
    match compression {
        Compression::Fast if repeats(filtered)? => deflate(filtered, FAST_LEVEL, is_last),
        Compression::Fast => Ok(deflate_without_search(filtered, is_last)),
        Compression::Small => {
            let searched = deflate(filtered, SMALL_LEVEL, is_last)?;
            let unsearched = deflate_without_search(filtered, is_last);
            Ok(if unsearched.len() < searched.len() { unsearched } else { searched })
        }
    }
}

/// Returns whether a search for repetitions makes samples of the band smaller by a tenth.
fn repeats(filtered: &[u8]) -> Result<bool, DeflateError> {
    // What is transparent takes hardly any bytes either way.
    let has_content = |piece: &&[u8]| **piece != [0; SAMPLE_BYTES][..piece.len()];
    let pieces: Vec<&[u8]> = filtered.chunks(SAMPLE_BYTES).filter(has_content).collect();
    let every = pieces.len().div_ceil(SAMPLES).max(1);
    let sample = pieces.into_iter().step_by(every).collect::<Vec<_>>().concat();
    Ok(deflate(&sample, FAST_LEVEL, true)?.len() * 10 < bytes_without_search(&sample) * 9)
}

/// Deflates `data` by zlib.
fn deflate(data: &[u8], level: i32, is_last: bool) -> Result<Vec<u8>, DeflateError> {
    const WINDOW_BITS: u8 = 15;
    let flush = if is_last { DeflateFlush::Finish } else { DeflateFlush::SyncFlush };
    let mut stream = Deflate::new(level, false, WINDOW_BITS);
    let mut out = vec![0; data.len() / 8 + 1024];
    loop {
        let (read, written) = (stream.total_in() as usize, stream.total_out() as usize);
        stream.compress(&data[read..], &mut out[written..], flush)?;
        let written = stream.total_out() as usize;
        // Unused space means that everything has been flushed.
        if written < out.len() {
            out.truncate(written);
            out.shrink_to_fit();
            return Ok(out);
        }
        out.resize(out.len() * 2, 0);
    }
}
