//! What the first directory of a TIFF says about its picture (TIFF 6.0, and BigTIFF).

use std::io::{BufRead, Seek};
use std::ops::Range;

use image::metadata::Orientation;
use tiff::tags::{ByteOrder, CompressionMethod, PlanarConfiguration, Predictor, Tag};

use super::color::{Color, read_color};
use super::directory::{Directory, refused};
use crate::codec::color::MAX_PROFILE_BYTES;
use crate::codec::decoded::undecodable;
use crate::codec::error::CodecError;

/// How the compressed bytes of a strip or tile become samples.
#[derive(Debug, Clone)]
pub(super) struct Coding {
    pub compression: CompressionMethod,
    pub predictor: Predictor,
    pub byte_order: ByteOrder,
    /// Whether the lowest bit of each stored byte comes first (FillOrder 2).
    pub reversed_bits: bool,
    /// The tables that all JPEG strips or tiles share, as a JPEG stream of its own.
    pub jpeg_tables: Vec<u8>,
    /// Bits per sample: 1 to 16, or 32.
    pub bits: u8,
    /// Whether samples are floating-point numbers, 0 for black and 1 for full.
    pub float: bool,
    /// Width and height, in pixels, that one sample of chroma covers. Always 1 for JPEG, whose decoder repeats chroma.
    pub chroma_step: [usize; 2],
}

/// The opacity of a picture's pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Alpha {
    /// Its index among the samples of a pixel.
    pub sample: usize,
    /// Whether colours are multiplied by it.
    pub associated: bool,
}

/// A picture as its directory describes it.
#[derive(Debug, Clone)]
pub(super) struct TiffLayout {
    pub width: u32,
    pub height: u32,
    pub coding: Coding,
    pub color: Color,
    pub alpha: Option<Alpha>,
    /// Samples of a pixel, those that are not used included.
    pub samples: usize,
    /// Whether each sample has strips or tiles of its own.
    pub planar: bool,
    /// Width and height of a strip or tile, in pixels.
    pub chunk: [usize; 2],
    /// Where each strip or tile lies in the file, in rows from the top; of a planar picture, plane by plane.
    pub chunks: Vec<Range<usize>>,
    pub icc: Option<Vec<u8>>,
    pub orientation: Orientation,
}

impl TiffLayout {
    /// Reads the first directory.
    ///
    /// # Errors
    /// [`CodecError::Undecodable`] if it is damaged, [`CodecError::Unsupported`] for a kind of TIFF that Cameo does not
    /// read.
    pub fn read(file: impl BufRead + Seek) -> Result<Self, CodecError> {
        let mut directory = Directory::open(file)?;
        let (width, height) = directory.0.dimensions().map_err(refused)?;
        let samples = directory.number(Tag::SamplesPerPixel)?.unwrap_or(1);
        let color = read_color(&mut directory, samples)?;
        let coding = read_coding(&mut directory, &color)?;
        let planar = directory.number(Tag::PlanarConfiguration)? == Some(PlanarConfiguration::Planar.to_u16().into());
        if planar && coding.chroma_step != [1, 1] {
            return Err(CodecError::Unsupported("TIFF with reduced chroma in planes of its own".into()));
        }
        let alpha = read_alpha(&mut directory, &color, samples)?;
        let tiled = directory.0.get_chunk_type() == tiff::decoder::ChunkType::Tile;
        let offsets = if tiled { Tag::TileOffsets } else { Tag::StripOffsets };
        let lengths = if tiled { Tag::TileByteCounts } else { Tag::StripByteCounts };
        let (offsets, lengths) = (directory.numbers(offsets)?, directory.numbers(lengths)?);
        let chunks = match (&offsets[..], &lengths[..]) {
            // Some programs leave the length of the only strip out.
            (&[start], [0]) => std::iter::once(start..usize::MAX).collect(),
            _ => offsets.into_iter().zip(lengths).map(|(start, length)| start..start.saturating_add(length)).collect(),
        };
        let (chunk_width, chunk_height) = directory.0.chunk_dimensions();
        let orientation = directory.number(Tag::Orientation)?.and_then(|value| u8::try_from(value).ok());
        let icc = directory.0.find_tag(Tag::IccProfile).ok().flatten().and_then(|value| value.into_u8_vec().ok());
        Ok(Self {
            width,
            height,
            coding,
            color,
            alpha,
            samples,
            planar,
            // A picture of one strip may state any number of rows for it.
            chunk: [chunk_width as usize, if tiled { chunk_height } else { chunk_height.min(height) } as usize],
            chunks,
            icc: icc.filter(|icc| icc.len() <= MAX_PROFILE_BYTES),
            orientation: orientation.and_then(Orientation::from_exif).unwrap_or(Orientation::NoTransforms),
        })
    }

    /// The indices of the samples that are used: the colour's, then alpha's.
    pub fn channels(&self) -> Vec<usize> {
        (0..self.color.channels()).chain(self.alpha.map(|alpha| alpha.sample)).collect()
    }

    /// Samples of a pixel that lie side by side in a strip or tile.
    pub fn chunk_samples(&self) -> usize {
        if self.planar { 1 } else { self.samples }
    }

    /// Bytes of the decompressed rows of a strip or tile; `None` if they exceed the address space.
    pub fn chunk_row_bytes(&self) -> Option<usize> {
        let samples = self.chunk[0].checked_mul(self.chunk_samples())?;
        Some(samples.checked_mul(usize::from(self.coding.bits))?.div_ceil(8))
    }

    /// Bytes that decoding needs at once: the samples of the picture, and a strip or tile.
    pub fn decoder_bytes(&self) -> u64 {
        let sample_bytes = if self.coding.bits <= 8 { 1 } else { 2 };
        let pixels = u64::from(self.width) * u64::from(self.height);
        let picture = pixels.saturating_mul(self.channels().len() as u64 * sample_bytes);
        let chunk = self.chunk_row_bytes().and_then(|bytes| bytes.checked_mul(self.chunk[1])).unwrap_or(usize::MAX);
        picture.saturating_add(chunk as u64)
    }
}

fn read_coding<R: BufRead + Seek>(directory: &mut Directory<R>, color: &Color) -> Result<Coding, CodecError> {
    let compression = directory.number(Tag::Compression)?.unwrap_or(1);
    let compression = CompressionMethod::from_u16_exhaustive(compression as u16);
    check_compression(compression)?;
    let formats = directory.numbers(Tag::SampleFormat)?;
    let bits = directory.number(Tag::BitsPerSample)?.unwrap_or(1);
    let float = match formats.first() {
        // Without a format, and with an undefined one, samples are unsigned integers.
        None | Some(1 | 4) => false,
        Some(3) => true,
        Some(_) => return Err(CodecError::Unsupported("TIFF with negative samples".into())),
    };
    let readable = if float { bits == 32 } else { matches!(bits, 1..=16 | 32) };
    if !readable {
        let kind = if float { "floating-point samples" } else { "samples" };
        return Err(CodecError::Unsupported(format!("TIFF with {kind} of {bits} bits")));
    }
    let is_jpeg = compression == CompressionMethod::ModernJPEG;
    if bits != 8 && (is_jpeg || matches!(color, Color::YCbCr(_))) {
        return Err(CodecError::Unsupported(format!("TIFF with JPEG or YCbCr samples of {bits} bits")));
    }
    // As in libtiff, other compressions have no predictor, whatever the tag says.
    let predicts =
        matches!(compression, CompressionMethod::LZW | CompressionMethod::Deflate | CompressionMethod::OldDeflate);
    let predictor = directory.number(Tag::Predictor)?.filter(|_| predicts);
    let predictor = predictor.and_then(|value| Predictor::from_u16(value as u16));
    let chroma_step = match color {
        Color::YCbCr(_) if !is_jpeg => match directory.numbers(Tag::ChromaSubsampling)?[..] {
            [] => [2, 2],
            [x @ (1 | 2 | 4), y @ (1 | 2 | 4)] => [x, y],
            _ => return Err(undecodable("its chroma is reduced by an invalid factor")),
        },
        _ => [1, 1],
    };
    Ok(Coding {
        compression,
        predictor: predictor.unwrap_or(Predictor::None),
        byte_order: directory.0.byte_order(),
        reversed_bits: directory.number(Tag::FillOrder)? == Some(2) && !is_jpeg,
        jpeg_tables: match directory.0.find_tag(Tag::JPEGTables).map_err(refused)? {
            Some(tables) => tables.into_u8_vec().map_err(refused)?,
            None => Vec::new(),
        },
        bits: bits as u8,
        float,
        chroma_step,
    })
}

fn check_compression(compression: CompressionMethod) -> Result<(), CodecError> {
    let name = match compression {
        CompressionMethod::None
        | CompressionMethod::Fax4
        | CompressionMethod::LZW
        | CompressionMethod::ModernJPEG
        | CompressionMethod::Deflate
        | CompressionMethod::OldDeflate
        | CompressionMethod::PackBits => return Ok(()),
        CompressionMethod::Huffman | CompressionMethod::Fax3 => "Group 3 fax".into(),
        CompressionMethod::JPEG => "old-style JPEG".into(),
        CompressionMethod::ZSTD => "Zstandard".into(),
        CompressionMethod::WebP => "WebP".into(),
        CompressionMethod::Unknown(34925) => "LZMA".into(),
        other => format!("unknown ({})", other.to_u16()),
    };
    Err(CodecError::Unsupported(format!("TIFF with {name} compression")))
}

fn read_alpha<R: BufRead + Seek>(
    directory: &mut Directory<R>,
    color: &Color,
    samples: usize,
) -> Result<Option<Alpha>, CodecError> {
    let extra = directory.numbers(Tag::ExtraSamples)?;
    let extra_samples = samples - color.channels();
    if extra.is_empty() {
        // Many programs write alpha without the tag for it.
        let alpha = Alpha { sample: color.channels(), associated: false };
        return Ok((extra_samples == 1).then_some(alpha));
    }
    let alpha = extra.iter().take(extra_samples).position(|kind| matches!(kind, 1 | 2));
    Ok(alpha.map(|at| Alpha { sample: color.channels() + at, associated: extra[at] == 1 }))
}
