//! Reading the codes of entropy-coded JPEG data (ITU-T T.81, annex F.2.2).

/// Bits of the longest Huffman code.
const MAX_CODE_BITS: u32 = 16;

/// A Huffman table, looked up by the next 16 bits.
#[derive(Debug)]
pub(super) struct HuffmanTable(Vec<Code>);

/// A code's length in bits, 0 if there is no such code, and the symbol that it stands for.
#[derive(Debug, Clone, Copy, Default)]
struct Code {
    bits: u8,
    symbol: u8,
}

impl HuffmanTable {
    /// Returns the table of `symbols`, of which `lengths` says how many have codes of 1 to 16 bits; `None` if there are
    /// more codes than bits allow.
    pub fn new(lengths: &[u8; 16], symbols: &[u8]) -> Option<Self> {
        let mut table = vec![Code::default(); 1 << MAX_CODE_BITS];
        let bits_of = (1u8..).zip(lengths).flat_map(|(bits, &count)| std::iter::repeat_n(bits, count.into()));
        let mut at = 0;
        for (bits, &symbol) in bits_of.zip(symbols) {
            let end = at + (1 << (MAX_CODE_BITS - u32::from(bits)));
            table.get_mut(at..end)?.fill(Code { bits, symbol });
            at = end;
        }
        Some(Self(table))
    }
}

/// The bits of a scan.
#[derive(Debug)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// The next bits, from the highest on.
    held: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    /// Begins with the scan that `bytes` start with.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, held: 0, count: 0 }
    }

    fn fill(&mut self) {
        while self.count <= 56 {
            let (byte, rest) = match *self.bytes {
                [0xff, 0x00, ref rest @ ..] => (0xff, rest),
                // A marker.
                [0xff, ..] | [] => return,
                [byte, ref rest @ ..] => (byte, rest),
            };
            self.held |= u64::from(byte) << (56 - self.count);
            self.count += 8;
            self.bytes = rest;
        }
    }

    /// Skips `count` bits; `None` if there are fewer.
    pub fn skip(&mut self, mut count: u32) -> Option<()> {
        while count > 32 {
            self.take(32)?;
            count -= 32;
        }
        self.take(count).map(|_| ())
    }

    /// Returns the next `count` bits, 32 at most; `None` if there are fewer.
    pub fn take(&mut self, count: u32) -> Option<u32> {
        if self.count < count {
            self.fill();
        }
        self.count = self.count.checked_sub(count)?;
        let bits = self.held >> 32 >> (32 - count);
        self.held <<= count;
        Some(bits as u32)
    }

    /// Returns the symbol of the next code; `None` if there is no such code.
    pub fn symbol(&mut self, table: &HuffmanTable) -> Option<u8> {
        if self.count < MAX_CODE_BITS {
            self.fill();
        }
        let code = table.0[(self.held >> (64 - MAX_CODE_BITS)) as usize];
        if code.bits == 0 {
            return None;
        }
        self.skip(code.bits.into())?;
        Some(code.symbol)
    }

    /// Reads the restart marker before the unit `unit`, if one must stand there. Returns whether one did; `None` if it is
    /// missing.
    pub fn restart_at(&mut self, unit: usize, interval: usize) -> Option<bool> {
        if interval == 0 || unit == 0 || !unit.is_multiple_of(interval) {
            return Some(false);
        }
        // Full bytes would be codes that no block has read.
        (self.held, self.count) = (0, 0);
        let number = ((unit / interval - 1) % 8) as u8;
        match *self.bytes {
            [0xff, marker, ref rest @ ..] if marker == 0xd0 + number => self.bytes = rest,
            _ => return None,
        }
        Some(true)
    }

    /// Returns what follows the scan, from its next marker on.
    pub fn after_scan(&self) -> &'a [u8] {
        let is_marker = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xd0..=0xd7 | 0xff);
        let at = self.bytes.windows(2).position(is_marker);
        at.map_or(&[], |at| &self.bytes[at..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_up_to_a_marker() {
        // One code of 1 bit, one of 2 and one of 3.
        let mut lengths = [0; 16];
        lengths[..3].fill(1);
        let table = HuffmanTable::new(&lengths, &[7, 8, 9]).unwrap();
        let mut bits = Bits::new(&[0b0101_1001, 0xff, 0x00, 0xff, 0xd9]);
        assert_eq!([(); 4].map(|()| bits.symbol(&table)), [Some(7), Some(8), Some(9), Some(7)]);
        assert_eq!(bits.take(9), Some(0b1_1111_1111));
        assert_eq!((bits.take(1), bits.symbol(&table)), (None, None));
        assert_eq!(bits.after_scan(), [0xff, 0xd9]);
    }

    #[test]
    fn more_codes_than_bits_allow_are_no_table() {
        let mut lengths = [0; 16];
        lengths[0] = 3;
        assert!(HuffmanTable::new(&lengths, &[1, 2, 3]).is_none());
    }

    #[test]
    fn restart_markers_stand_between_intervals() {
        let mut bits = Bits::new(&[0xff, 0xd0, 1, 0xff, 0xd2]);
        assert_eq!([0, 1, 2].map(|unit| bits.restart_at(unit, 2)), [Some(false), Some(false), Some(true)]);
        assert_eq!(bits.take(8), Some(1));
        assert_eq!(bits.restart_at(4, 2), None, "the second marker was expected");
    }
}
