//! The orientation in EXIF data (CIPA DC-008), which is a TIFF without a picture.

use image::metadata::Orientation;

const ORIENTATION: u16 = 0x0112;

/// Returns the orientation that an EXIF block states; none if it states none that there is.
pub(super) fn orientation(exif: &[u8]) -> Orientation {
    // WebP and PNG files should hold the block without the prefix that it has in JPEG files, but many do not.
    let exif = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    let number = Block::of(exif).and_then(|block| block.orientation()).and_then(|number| u8::try_from(number).ok());
    number.and_then(Orientation::from_exif).unwrap_or(Orientation::NoTransforms)
}

/// An EXIF block in one of the two byte orders.
struct Block<'a> {
    bytes: &'a [u8],
    little_endian: bool,
}

impl<'a> Block<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let little_endian = match bytes.get(..4)? {
            b"II\x2a\0" => true,
            b"MM\0\x2a" => false,
            _ => return None,
        };
        Some(Self { bytes, little_endian })
    }

    /// Returns the number at `at`, of 1, 2 or 4 bytes.
    fn number(&self, at: usize, length: usize) -> Option<u32> {
        let bytes = self.bytes.get(at..at.checked_add(length)?)?;
        let join = |number: u32, &byte: &u8| number << 8 | u32::from(byte);
        Some(if self.little_endian { bytes.iter().rev().fold(0, join) } else { bytes.iter().fold(0, join) })
    }

    /// Looks for the orientation in the first directory.
    fn orientation(&self) -> Option<u32> {
        let directory = self.number(4, 4)? as usize;
        let entries = self.number(directory, 2)? as usize;
        let mut entries = (0..entries).map(|index| directory + 2 + 12 * index);
        let entry = entries.find(|&entry| self.number(entry, 2) == Some(ORIENTATION.into()))?;
        // It should be of 2 bytes. Some programs write others.
        let length = match self.number(entry + 2, 2)? {
            1 => 1,
            3 => 2,
            4 => 4,
            _ => return None,
        };
        self.number(entry + 8, length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block with a directory that ends with the orientation 6, of `kind` and `value`.
    fn block(start: &[u8], numbers: [&[u8]; 2], entry: &[u8]) -> Vec<u8> {
        let [offset, count] = numbers;
        [start, offset, count, &[0; 12], entry, &[0; 4]].concat()
    }

    #[test]
    fn the_orientation_is_read_in_both_byte_orders_and_as_any_integer() {
        let little = |kind: u8| {
            let entry = [0x12, 0x01, kind, 0, 1, 0, 0, 0, 6, 0, 0, 0];
            block(b"II\x2a\0", [&[8, 0, 0, 0], &[2, 0]], &entry)
        };
        let big = |kind: u8, value: [u8; 4]| {
            let entry = [&[0x01, 0x12, 0, kind, 0, 0, 0, 1][..], &value].concat();
            block(b"MM\0\x2a", [&[0, 0, 0, 8], &[0, 2]], &entry)
        };
        for exif in [little(1), little(3), little(4), big(1, [6, 0, 0, 0]), big(3, [0, 6, 0, 0]), big(4, [0, 0, 0, 6])]
        {
            assert_eq!(orientation(&exif), Orientation::Rotate90, "{exif:?}");
            assert_eq!(orientation(&[b"Exif\0\0", &exif[..]].concat()), Orientation::Rotate90);
            // As much as a segment of a JPEG cannot hold.
            assert_eq!(orientation(&[&exif[..], &vec![0; 100_000]].concat()), Orientation::Rotate90);
            for length in 0..exif.len() {
                orientation(&exif[..length]);
            }
        }
        assert_eq!(orientation(&little(2)), Orientation::NoTransforms, "text");
        assert_eq!(orientation(&big(4, [0, 0, 1, 6])), Orientation::NoTransforms, "262 is no orientation");
    }
}
