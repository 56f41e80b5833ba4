//! The samples of a TIFF, from its decompressed strips and tiles.

use tiff::tags::{ByteOrder, Predictor};

use super::chunk::{ChunkSize, decompress};
use super::color::Color;
use super::layout::{Coding, TiffLayout};
use super::picture::TiffSample;
use crate::codec::decoded::undecodable;
use crate::codec::error::CodecError;

/// Reads the [channels](TiffLayout::channels) of every pixel, in rows from the top.
///
/// # Errors
/// [`CodecError::Undecodable`] or [`CodecError::Unsupported`].
pub(super) fn read_samples<T: TiffSample>(layout: &TiffLayout, file: &[u8]) -> Result<Vec<T>, CodecError> {
    let overlong = || undecodable("its strips or tiles are larger than any file");
    let row_bytes = layout.chunk_row_bytes().ok_or_else(overlong)?;
    let [width, height] = [layout.width as usize, layout.height as usize];
    let [chunk_width, chunk_height] = layout.chunk;
    let channels = layout.channels();
    let across = width.div_ceil(chunk_width);
    let chunks_per_plane = across * height.div_ceil(chunk_height);
    let planes = if layout.planar { layout.samples } else { 1 };
    if layout.chunks.len() != chunks_per_plane * planes {
        return Err(undecodable("it lacks strips or tiles"));
    }
    check_overlap(layout, file)?;
    let values = value_table::<T>(layout);
    let mut samples = vec![T::from_u64(0); width * height * channels.len()];
    for (index, range) in layout.chunks.iter().enumerate() {
        let (plane, index) = (index / chunks_per_plane, index % chunks_per_plane);
        // Pairs of a channel in the strip or tile and where it goes in a pixel.
        let moves: Vec<[usize; 2]> = match channels.iter().position(|&channel| channel == plane) {
            _ if !layout.planar => channels.iter().copied().enumerate().map(|(to, from)| [from, to]).collect(),
            Some(to) => vec![[0, to]],
            None => continue,
        };
        let (left, top) = (index % across * chunk_width, index / across * chunk_height);
        let rows = chunk_height.min(height - top);
        let columns = chunk_width.min(width - left);
        let size = ChunkSize { width: chunk_width, rows, samples: layout.chunk_samples(), row_bytes };
        // Some files state more bytes than they have.
        let stored = file.get(range.start..range.end.min(file.len()));
        let stored = stored.ok_or_else(|| undecodable("it ends before its pixels"))?;
        let mut decompressed = decompress(&layout.coding, stored, size)?;
        for (row, bytes) in decompressed.chunks_exact_mut(row_bytes).enumerate() {
            let unpacked = unpack_row(&layout.coding, bytes, size.samples);
            let start = ((top + row) * width + left) * channels.len();
            let pixels = samples[start..][..columns * channels.len()].chunks_exact_mut(channels.len());
            for (pixel, stored) in pixels.zip(unpacked.chunks_exact(size.samples)) {
                for &[from, to] in &moves {
                    pixel[to] = values[to.min(1)][usize::from(stored[from])];
                }
            }
        }
    }
    Ok(samples)
}

/// Refuses a file whose strips or tiles lie in the same bytes, which a small file can use to cost hours.
fn check_overlap(layout: &TiffLayout, file: &[u8]) -> Result<(), CodecError> {
    let stored = layout.chunks.iter().fold(0, |sum: usize, range| sum.saturating_add(range.len().min(file.len())));
    // Equal tiles may share their bytes, but not many times over.
    let most = file.len().saturating_mul(4);
    if stored <= most { Ok(()) } else { Err(undecodable("its strips or tiles lie in the same bytes")) }
}

/// Returns what each value of the first channel, and of the others, stands for: samples over the whole range of `T`.
fn value_table<T: TiffSample>(layout: &TiffLayout) -> [Vec<T>; 2] {
    let max = (1u64 << layout.coding.bits.min(16)) - 1;
    let scaled = |value: u64| T::from_u64((value * T::FULL + max / 2) / max);
    let others: Vec<T> = (0..=max).map(scaled).collect();
    let first = match layout.color {
        Color::Palette(_) => (0..=max).map(T::from_u64).collect(),
        Color::Grey { inverted: true } => others.iter().rev().copied().collect(),
        _ => others.clone(),
    };
    [first, others]
}

/// Returns the values of a row after undoing its predictor. Of 32-bit values, the upper 16 bits are returned.
fn unpack_row(coding: &Coding, row: &mut [u8], samples: usize) -> Vec<u16> {
    let mut values = match coding.bits {
        8 => row.iter().map(|&byte| u32::from(byte)).collect(),
        16 => words(row, coding.byte_order),
        32 if coding.predictor == Predictor::FloatingPoint => floats_of_planes(row, samples),
        32 => long_words(row, coding.byte_order),
        bits => bit_fields(row, bits),
    };
    if coding.predictor == Predictor::Horizontal {
        let mask = u32::MAX >> (32 - coding.bits);
        for at in samples..values.len() {
            values[at] = values[at].wrapping_add(values[at - samples]) & mask;
        }
    }
    let to_16_bits = |value: u32| match (coding.bits, coding.float) {
        (32, true) => (f32::from_bits(value).clamp(0.0, 1.0) * 65535.0 + 0.5) as u16,
        (32, false) => (value >> 16) as u16,
        _ => value as u16,
    };
    values.into_iter().map(to_16_bits).collect()
}

fn words(row: &[u8], order: ByteOrder) -> Vec<u32> {
    let word = |&bytes: &[u8; 2]| match order {
        ByteOrder::LittleEndian => u16::from_le_bytes(bytes),
        ByteOrder::BigEndian => u16::from_be_bytes(bytes),
    };
    row.as_chunks::<2>().0.iter().map(|bytes| word(bytes).into()).collect()
}

fn long_words(row: &[u8], order: ByteOrder) -> Vec<u32> {
    let word = |&bytes: &[u8; 4]| match order {
        ByteOrder::LittleEndian => u32::from_le_bytes(bytes),
        ByteOrder::BigEndian => u32::from_be_bytes(bytes),
    };
    row.as_chunks::<4>().0.iter().map(word).collect()
}

/// Returns numbers of `bits` bits, 1 to 15, the highest bit first.
fn bit_fields(row: &[u8], bits: u8) -> Vec<u32> {
    let mut values = Vec::with_capacity(row.len() * 8 / usize::from(bits));
    let (mut pending, mut count) = (0u32, 0);
    for &byte in row {
        pending = pending << 8 | u32::from(byte);
        count += 8;
        while count >= bits {
            count -= bits;
            values.push(pending >> count);
            pending &= (1 << count) - 1;
        }
    }
    values
}

/// Undoes the floating-point predictor (Adobe's Technical Note 3): bytes are differences, and lie in four planes, those
/// of the highest bytes first.
fn floats_of_planes(row: &mut [u8], samples: usize) -> Vec<u32> {
    for at in samples..row.len() {
        row[at] = row[at].wrapping_add(row[at - samples]);
    }
    let count = row.len() / 4;
    (0..count).map(|at| u32::from_be_bytes([0, 1, 2, 3].map(|plane| row[plane * count + at]))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bit_fields_begin_with_the_highest_bit() {
        assert_eq!(bit_fields(&[0b1010_0001], 1), [1, 0, 1, 0, 0, 0, 0, 1]);
        assert_eq!(bit_fields(&[0xab, 0xcd], 4), [0xa, 0xb, 0xc, 0xd]);
        assert_eq!(bit_fields(&[0xab, 0xcd, 0xef], 12), [0xabc, 0xdef]);
    }

    #[test]
    fn the_floating_point_predictor_is_undone() {
        let values = [1.0f32, 0.5, 0.25];
        let bytes = values.map(f32::to_be_bytes);
        let mut planes: Vec<u8> = (0..4).flat_map(|plane| bytes.map(|bytes| bytes[plane])).collect();
        for at in (1..planes.len()).rev() {
            planes[at] = planes[at].wrapping_sub(planes[at - 1]);
        }
        assert_eq!(floats_of_planes(&mut planes, 1), values.map(f32::to_bits));
    }
}
