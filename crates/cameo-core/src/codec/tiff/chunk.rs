//! Decompression of the strips and tiles of a TIFF.

use fax::Color;
use fax::decoder::{DecodeStatus, Group4Decoder, pels};
use tiff::tags::CompressionMethod;
use weezl::{BitOrder, LzwStatus};
use zlib_rs::{Inflate, InflateFlush};

use super::layout::Coding;
use crate::codec::decoded::undecodable;
use crate::codec::error::CodecError;
use crate::codec::jpeg;

/// The decompressed size of a strip or tile.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChunkSize {
    pub width: usize,
    /// Rows that are used; a strip or tile may hold more.
    pub rows: usize,
    /// Samples of a pixel.
    pub samples: usize,
    pub row_bytes: usize,
}

/// Decompresses a strip or tile to rows of [`row_bytes`](ChunkSize::row_bytes), each beginning with a byte of its own.
///
/// # Errors
/// [`CodecError::Undecodable`] if it is damaged or holds fewer rows, [`CodecError::Unsupported`] for some JPEGs.
pub(super) fn decompress(coding: &Coding, stored: &[u8], size: ChunkSize) -> Result<Vec<u8>, CodecError> {
    let reversed: Vec<u8>;
    let stored = if coding.reversed_bits {
        reversed = stored.iter().map(|byte| byte.reverse_bits()).collect();
        &reversed
    } else {
        stored
    };
    let [step_x, step_y] = coding.chroma_step;
    if [step_x, step_y] == [1, 1] {
        return decompress_bytes(coding, stored, size, size.row_bytes * size.rows);
    }
    let units = size.width.div_ceil(step_x) * size.rows.div_ceil(step_y);
    let packed = decompress_bytes(coding, stored, size, units * (step_x * step_y + 2))?;
    Ok(repeat_chroma(&packed, size, [step_x, step_y]))
}

fn decompress_bytes(coding: &Coding, stored: &[u8], size: ChunkSize, bytes: usize) -> Result<Vec<u8>, CodecError> {
    let is_whole =
        |out: Vec<u8>| if out.len() == bytes { Ok(out) } else { Err(undecodable("a part of it is missing")) };
    match coding.compression {
        CompressionMethod::LZW => is_whole(decompress_lzw(stored, bytes)?),
        CompressionMethod::Deflate | CompressionMethod::OldDeflate => is_whole(decompress_deflate(stored, bytes)?),
        CompressionMethod::PackBits => is_whole(decompress_pack_bits(stored, bytes)),
        CompressionMethod::Fax4 if (coding.bits, size.samples) == (1, 1) => decompress_group4(stored, size),
        CompressionMethod::Fax4 => Err(undecodable("its compression is for black and white, and it is not")),
        CompressionMethod::ModernJPEG => {
            let mut rows = jpeg::decode_tiff_chunk(&coding.jpeg_tables, stored, [size.width, size.rows], size.samples)?;
            rows.truncate(bytes);
            is_whole(rows)
        }
        _ => is_whole(stored[..stored.len().min(bytes)].to_vec()),
    }
}

fn decompress_lzw(stored: &[u8], bytes: usize) -> Result<Vec<u8>, CodecError> {
    let mut out = vec![0; bytes];
    let (mut read, mut written) = (0, 0);
    // Programs older than TIFF 6.0 wrote the lowest bit first, and began with its code for "clear".
    let mut decoder = match stored {
        [0, second, ..] if second & 1 == 1 => weezl::decode::Decoder::new(BitOrder::Lsb, 8),
        _ => weezl::decode::Decoder::with_tiff_size_switch(BitOrder::Msb, 8),
    };
    while written < bytes {
        let step = decoder.decode_bytes(&stored[read..], &mut out[written..]);
        read += step.consumed_in;
        written += step.consumed_out;
        match step.status.map_err(undecodable)? {
            LzwStatus::Ok if step.consumed_in + step.consumed_out > 0 => {}
            _ => break,
        }
    }
    out.truncate(written);
    Ok(out)
}

fn decompress_deflate(stored: &[u8], bytes: usize) -> Result<Vec<u8>, CodecError> {
    const ZLIB: bool = true;
    let mut out = vec![0; bytes];
    let mut inflate = Inflate::new(ZLIB, 15);
    inflate.decompress(stored, &mut out, InflateFlush::NoFlush).map_err(|_| undecodable("a part of it is damaged"))?;
    out.truncate(inflate.total_out() as usize);
    Ok(out)
}

/// Decompresses runs of bytes (TIFF 6.0, section 9).
fn decompress_pack_bits(mut stored: &[u8], bytes: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes);
    while let Some((&count, rest)) = stored.split_first()
        && out.len() < bytes
    {
        stored = rest;
        let room = bytes - out.len();
        match (count as i8, stored.first()) {
            (count @ 0.., _) => {
                let length = (count as usize + 1).min(stored.len());
                out.extend(&stored[..length.min(room)]);
                stored = &stored[length..];
            }
            (-128, _) | (_, None) => {}
            (count, Some(&byte)) => {
                out.extend(std::iter::repeat_n(byte, (1 - isize::from(count)) as usize).take(room));
                stored = &stored[1..];
            }
        }
    }
    out
}

/// Decompresses lines of black and white (ITU-T T.6) to one bit a pixel, 1 for black.
fn decompress_group4(stored: &[u8], size: ChunkSize) -> Result<Vec<u8>, CodecError> {
    let width = u16::try_from(size.width).map_err(|_| undecodable("it is too wide for its compression"))?;
    let bytes = stored.iter().map(|&byte| Ok::<u8, std::convert::Infallible>(byte));
    let Ok(mut decoder) = Group4Decoder::new(bytes, width);
    let mut out = vec![0; size.row_bytes * size.rows];
    for row in out.chunks_exact_mut(size.row_bytes) {
        match decoder.advance() {
            Ok(DecodeStatus::Incomplete) => {}
            Ok(DecodeStatus::End) => return Err(undecodable("lines of it are missing")),
            Err(_) => return Err(undecodable("a line of it is damaged")),
        }
        for (at, color) in pels(decoder.transition(), width).enumerate() {
            if color == Color::Black {
                row[at / 8] |= 0x80 >> (at % 8);
            }
        }
    }
    Ok(out)
}

/// Interleaves luma and chroma: `packed` holds units of `step` luma samples, then one of each chroma.
fn repeat_chroma(packed: &[u8], size: ChunkSize, [step_x, step_y]: [usize; 2]) -> Vec<u8> {
    let unit_bytes = step_x * step_y + 2;
    let units_across = size.width.div_ceil(step_x);
    let mut out = vec![0; size.row_bytes * size.rows];
    for (y, row) in out.chunks_exact_mut(size.row_bytes).enumerate() {
        for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let unit = (y / step_y * units_across + x / step_x) * unit_bytes;
            let chroma = unit + step_x * step_y;
            *pixel = [packed[unit + y % step_y * step_x + x % step_x], packed[chroma], packed[chroma + 1]];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pack_bits_are_runs_and_copies() {
        // The example of TIFF 6.0.
        let stored = b"\xfe\xaa\x02\x80\x00\x2a\xfd\xaa\x03\x80\x00\x2a\x22\xf7\xaa";
        let unpacked = b"\xaa\xaa\xaa\x80\x00\x2a\xaa\xaa\xaa\xaa\x80\x00\x2a\x22\
            \xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa";
        assert_eq!(decompress_pack_bits(stored, 24), unpacked);
        assert_eq!(decompress_pack_bits(stored, 5), unpacked[..5]);
        for length in 0..stored.len() {
            assert!(decompress_pack_bits(&stored[..length], 24).len() < 24);
        }
    }

    #[test]
    fn chroma_is_repeated_over_its_pixels() {
        let size = ChunkSize { width: 3, rows: 1, samples: 3, row_bytes: 9 };
        let packed = [1, 2, 3, 4, 50, 60, 5, 6, 7, 8, 70, 80];
        assert_eq!(repeat_chroma(&packed, size, [2, 2]), [1, 50, 60, 2, 50, 60, 5, 70, 80]);
    }
}
