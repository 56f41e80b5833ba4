//! The segments and scans of a JPEG without what else its file holds.

use super::decoded::undecodable;
use super::error::CodecError;

const START_OF_IMAGE: u8 = 0xd8;
const START_OF_SCAN: u8 = 0xda;
const RESTART_INTERVAL: u8 = 0xdd;
const END_OF_IMAGE: u8 = 0xd9;
const NUMBER_OF_LINES: u8 = 0xdc;
/// The segment APP14, in which Adobe's programs name the colour transform.
const ADOBE: u8 = 0xee;
const ADOBE_BYTES: u16 = 14;

/// The marker behind the last scan.
pub(super) const END_MARKER: [u8; 2] = [0xff, END_OF_IMAGE];

/// The segments and scans of a JPEG.
pub(super) struct Stream {
    /// Without bytes that belong to no segment, and without the end marker and what follows it.
    pub bytes: Vec<u8>,
    /// Whether there was an end marker behind a scan.
    pub has_end: bool,
}

impl Stream {
    /// Copies the segments and scans of `file`. Most of what is damaged is copied as it is.
    ///
    /// # Errors
    /// [`CodecError::Undecodable`] for damage that zune-jpeg overlooks: it takes the blocks of a scan behind a restart
    /// marker in a wrong place for grey, and an image within an image for a segment.
    pub fn of(file: &[u8]) -> Result<Self, CodecError> {
        let mut bytes = Vec::with_capacity(file.len() + 16);
        bytes.extend(&file[..file.len().min(2)]);
        let mut at = 2;
        let mut has_restarts = false;
        while let Some((start, marker)) = next_marker(file, at) {
            match marker {
                END_OF_IMAGE => return Ok(Self { bytes, has_end: true }),
                START_OF_IMAGE => return Err(undecodable("another image begins within it")),
                // Between segments, these stand alone and mean nothing.
                0x01 | 0xd0..=0xd7 => at = start + 2,
                _ => {
                    let length =
                        file.get(start + 2..start + 4).map_or(0, |pair| u16::from_be_bytes([pair[0], pair[1]]));
                    let mut end = (start + 2 + usize::from(length)).min(file.len());
                    if marker == RESTART_INTERVAL {
                        has_restarts = file.get(start + 4..end).is_some_and(|interval| interval != [0, 0]);
                    }
                    if marker == START_OF_SCAN {
                        end = end_of_scan(file, end, has_restarts)?;
                    }
                    // zune-jpeg refuses files for these: an Adobe segment that is cut short, which says nothing, and the
                    // height behind the first scan, which is known by then.
                    if marker != NUMBER_OF_LINES && (marker != ADOBE || length >= ADOBE_BYTES) {
                        bytes.extend(&file[start..end]);
                    }
                    at = end;
                }
            }
        }
        Ok(Self { bytes, has_end: false })
    }
}

/// Returns the position of the next marker from `at` on, and its second byte.
fn next_marker(file: &[u8], mut at: usize) -> Option<(usize, u8)> {
    loop {
        at += memchr::memchr(0xff, file.get(at..)?)?;
        match *file.get(at + 1)? {
            0x00 => at += 2,
            // Any number of fill bytes may precede a marker.
            0xff => at += 1,
            marker => return Some((at, marker)),
        }
    }
}

/// Returns where the entropy-coded data that begins at `at` ends: at the next marker that is no restart marker. Those are
/// numbered from 0 to 7, again and again.
fn end_of_scan(file: &[u8], mut at: usize, has_restarts: bool) -> Result<usize, CodecError> {
    let mut restart = 0;
    while let Some((start, marker)) = next_marker(file, at) {
        match marker {
            0xd0..=0xd7 if !has_restarts || marker != 0xd0 + restart => {
                return Err(undecodable("a restart marker is in the wrong place"));
            }
            0xd0..=0xd7 => at = start + 2,
            _ => return Ok(start),
        }
        restart = (restart + 1) % 8;
    }
    Ok(file.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_no_segment_is_left_out() {
        let (comment, scan) = ([0xff, 0xfe, 0, 3, b'c'], [0xff, 0xda, 0, 2, 1, 0xff, 0, 2, 0xff, 0xd0, 3]);
        let comment = [&comment[..], &[0xff, 0xdd, 0, 4, 0, 9]].concat();
        let start = [0xff, 0xd8];
        let short_adobe = [0xff, 0xee, 0, 7, b'A', b'd', b'o', b'b', b'e'];
        let clean = [&start[..], &comment, &scan].concat();
        let file =
            [&start[..], &[7, 0xff, 0, 8], &comment, &short_adobe, &[0xff, 0xff], &scan, &END_MARKER, b"trailer"]
                .concat();
        let stream = Stream::of(&file).unwrap();
        assert_eq!((stream.bytes, stream.has_end), (clean.clone(), true));
        assert!(!Stream::of(&clean).unwrap().has_end);
        for length in 0..file.len() {
            let _ = Stream::of(&file[..length]);
        }
    }

    #[test]
    fn a_restart_marker_in_the_wrong_place_is_damage() {
        let start = [0xff, 0xd8, 0xff, 0xdd, 0, 4, 0, 9];
        let scan = |markers: &[u8]| {
            let data = markers.iter().flat_map(|&marker| [1, 0xff, marker]);
            [0xff, 0xda, 0, 2].into_iter().chain(data).chain(END_MARKER).collect::<Vec<u8>>()
        };
        let is_whole = |parts: &[&[u8]]| Stream::of(&parts.concat()).is_ok();
        let all: Vec<u8> = (0xd0..=0xd7).chain([0xd0, 0xd1]).collect();
        assert!(is_whole(&[&start, &scan(&all)]));
        assert!(is_whole(&[&start[..2], &scan(&[])]));
        assert!(!is_whole(&[&start[..2], &scan(&[0xd0])]), "no interval is defined");
        assert!(!is_whole(&[&start, &scan(&[0xd0, 0xd2])]) && !is_whole(&[&start, &scan(&[0xd0, 0xd0])]));
        assert!(!is_whole(&[&start, &start]), "another image begins within it");
    }
}
