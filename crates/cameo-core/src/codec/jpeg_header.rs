//! The segments of a JPEG before its first scan (ITU-T T.81, annex B).

use std::io::{BufRead, Seek};

use super::decoded::undecodable;
use super::error::CodecError;

/// Segments that may precede the first scan. A profile may take 255 of them and a phone's depth map hundreds; millions
/// only cost time.
const MAX_SEGMENTS: usize = 20_000;

/// Bytes between two segments that may belong to none.
const MAX_STRAY_BYTES: usize = 64 << 10;

/// What the frame header and the header of the first scan say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct JpegHeader {
    pub width: u32,
    pub height: u32,
    pub components: u8,
    pub progressive: bool,
    /// Whether a sequential image has a scan for each component instead of one for all.
    pub separate_scans: bool,
}

impl JpegHeader {
    /// Reads the segments up to the first scan.
    ///
    /// # Errors
    /// [`CodecError::Undecodable`] if the header is damaged, [`CodecError::Unsupported`] for a kind of JPEG that Cameo
    /// does not read, [`CodecError::Io`].
    pub fn read(mut file: impl BufRead + Seek) -> Result<Self, CodecError> {
        let mut start = [0; 2];
        file.read_exact(&mut start).map_err(cut_short)?;
        if start != [0xff, 0xd8] {
            return Err(undecodable("it does not begin as a JPEG"));
        }
        let mut frame: Option<Self> = None;
        for _ in 0..MAX_SEGMENTS {
            let marker = next_marker(&mut file)?;
            // Markers without a length: TEM and the restart markers.
            if matches!(marker, 0x01 | 0xd0..=0xd7) {
                continue;
            }
            if marker == 0xd9 {
                return Err(undecodable("it ends before its pixels"));
            }
            let mut length = [0; 2];
            file.read_exact(&mut length).map_err(cut_short)?;
            let Some(length) = u16::from_be_bytes(length).checked_sub(2) else {
                return Err(undecodable("a segment has an invalid length"));
            };
            let is_frame = matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc);
            if !is_frame && marker != 0xda {
                file.seek_relative(length.into())?;
                continue;
            }
            let mut segment = vec![0; length.into()];
            file.read_exact(&mut segment).map_err(cut_short)?;
            if is_frame {
                check_process(marker)?;
                frame = Some(Self { progressive: marker == PROGRESSIVE, ..Self::of_frame(&segment)? });
                continue;
            }
            let header = frame.ok_or_else(|| undecodable("it has no frame header"))?;
            let scanned = segment.first().copied().unwrap_or_default();
            return Ok(Self { separate_scans: !header.progressive && scanned < header.components, ..header });
        }
        Err(undecodable(format!("it has more than {MAX_SEGMENTS} segments before its pixels")))
    }

    /// Parses the parameters of a frame header.
    fn of_frame(segment: &[u8]) -> Result<Self, CodecError> {
        let &[precision, h1, h0, w1, w0, components, ..] = segment else {
            return Err(undecodable("its frame header is cut short"));
        };
        let (height, width) = (u16::from_be_bytes([h1, h0]).into(), u16::from_be_bytes([w1, w0]).into());
        if precision != 8 {
            return Err(CodecError::Unsupported(format!("JPEG with {precision} bits per channel")));
        }
        if height == 0 {
            return Err(CodecError::Unsupported("JPEG that states its height behind its pixels".into()));
        }
        if width == 0 || components == 0 {
            return Err(undecodable("its frame is empty"));
        }
        if !matches!(components, 1 | 3 | 4) {
            return Err(CodecError::Unsupported(format!("JPEG with {components} channels")));
        }
        Ok(Self { width, height, components, progressive: false, separate_scans: false })
    }
}

const PROGRESSIVE: u8 = 0xc2;

/// Refuses the processes that Cameo does not read, by the marker of their frame header.
fn check_process(marker: u8) -> Result<(), CodecError> {
    match marker {
        0xc0 | 0xc1 | PROGRESSIVE => Ok(()),
        0xc3 => Err(CodecError::Unsupported("lossless JPEG".into())),
        0xc5..=0xc7 => Err(CodecError::Unsupported("hierarchical JPEG".into())),
        _ => Err(CodecError::Unsupported("JPEG with arithmetic coding".into())),
    }
}

/// Returns the second byte of the next marker. Bytes that belong to no segment are skipped, as other decoders do.
fn next_marker(file: &mut impl BufRead) -> Result<u8, CodecError> {
    let mut byte = [0; 1];
    let mut skipped = 0;
    file.read_exact(&mut byte).map_err(cut_short)?;
    loop {
        while byte[0] != 0xff {
            skipped += 1;
            if skipped > MAX_STRAY_BYTES {
                return Err(undecodable("too many bytes between its segments belong to none"));
            }
            file.read_exact(&mut byte).map_err(cut_short)?;
        }
        // Any number of fill bytes may precede a marker.
        while byte[0] == 0xff {
            file.read_exact(&mut byte).map_err(cut_short)?;
        }
        if byte[0] != 0 {
            return Ok(byte[0]);
        }
        skipped += 2;
    }
}

fn cut_short(error: std::io::Error) -> CodecError {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => undecodable("it ends within its header"),
        _ => error.into(),
    }
}
