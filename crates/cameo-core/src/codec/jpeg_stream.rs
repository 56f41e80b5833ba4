//! The segments and scans of a JPEG without what else its file holds.

const START_OF_SCAN: u8 = 0xda;
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
    /// Copies the segments and scans of `file`. What is damaged is copied as it is.
    pub fn of(file: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(file.len() + 16);
        bytes.extend(&file[..file.len().min(2)]);
        let mut at = 2;
        while let Some((start, marker)) = next_marker(file, at) {
            match marker {
                END_OF_IMAGE => return Self { bytes, has_end: true },
                // Between segments, these stand alone and mean nothing.
                0x01 | 0xd0..=0xd7 => at = start + 2,
                _ => {
                    let length =
                        file.get(start + 2..start + 4).map_or(0, |pair| u16::from_be_bytes([pair[0], pair[1]]));
                    let mut end = (start + 2 + usize::from(length)).min(file.len());
                    if marker == START_OF_SCAN {
                        end = end_of_scan(file, end);
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
        Self { bytes, has_end: false }
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

/// Returns where the entropy-coded data that begins at `at` ends: at the next marker that is no restart marker.
fn end_of_scan(file: &[u8], mut at: usize) -> usize {
    while let Some((start, marker)) = next_marker(file, at) {
        match marker {
            0xd0..=0xd7 => at = start + 2,
            _ => return start,
        }
    }
    file.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_no_segment_is_left_out() {
        let (comment, scan) = ([0xff, 0xfe, 0, 3, b'c'], [0xff, 0xda, 0, 2, 1, 0xff, 0, 2, 0xff, 0xd0, 3]);
        let start = [0xff, 0xd8];
        let short_adobe = [0xff, 0xee, 0, 7, b'A', b'd', b'o', b'b', b'e'];
        let clean = [&start[..], &comment, &scan].concat();
        let file =
            [&start[..], &[7, 0xff, 0, 8], &comment, &short_adobe, &[0xff, 0xff], &scan, &END_MARKER, b"trailer"]
                .concat();
        let stream = Stream::of(&file);
        assert_eq!((stream.bytes, stream.has_end), (clean.clone(), true));
        assert!(!Stream::of(&clean).has_end);
        for length in 0..file.len() {
            Stream::of(&file[..length]);
        }
    }
}
