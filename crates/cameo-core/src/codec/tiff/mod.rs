//! TIFF decoding. The `tiff` crate reads the directory. Its own reader of pixels refuses palettes, fills gaps in JPEG
//! data with grey and ignores the order of bits, so strips and tiles are decompressed and assembled here, by the crates
//! of each compression.

mod chunk;
mod color;
mod directory;
mod layout;
mod picture;
mod samples;

use std::io::{BufRead, Cursor, Seek};

use super::decoded::Decoded;
use super::error::CodecError;
use super::limits::InputLimits;
use layout::TiffLayout;
use picture::picture;
use samples::read_samples;

/// Returns width and height from the first directory.
pub(super) fn size(file: impl BufRead + Seek) -> Result<(u32, u32), CodecError> {
    TiffLayout::read(file).map(|layout| (layout.width, layout.height))
}

/// Decodes the first picture of a TIFF or BigTIFF.
pub(super) fn decode_tiff(file: &[u8], limits: &InputLimits) -> Result<Decoded, CodecError> {
    let layout = TiffLayout::read(Cursor::new(file))?;
    limits.check_size(layout.width, layout.height)?;
    limits.check_decoder_bytes(layout.decoder_bytes())?;
    let picture = if layout.coding.bits <= 8 {
        picture::<u8>(&layout, read_samples(&layout, file)?)
    } else {
        picture::<u16>(&layout, read_samples(&layout, file)?)
    };
    let icc = layout.icc.filter(|_| layout.color.keeps_profile());
    Ok(Decoded { picture: picture?, icc, orientation: layout.orientation })
}
