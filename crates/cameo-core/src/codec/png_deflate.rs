//! Deflate (RFC 1951) for filtered photos: a Huffman code for bytes and for runs of zeros.
//!
//! What a filter leaves of a photo is noise around zero. The same string of it seldom occurs twice, so a search for
//! repetitions takes most of the time and finds little; but small values are far more frequent than large ones, and what
//! is transparent is zero.

use super::png_huffman::{Code, code_lengths, codes};

/// The symbol behind those of the 256 bytes.
const END_OF_BLOCK: usize = 256;
const SYMBOLS: usize = 286;
/// The symbols behind the end of the block stand for lengths.
const LENGTH_SYMBOLS: usize = SYMBOLS - END_OF_BLOCK - 1;

/// Shorter runs of zeros are written as bytes, which takes about as many bits.
const MIN_RUN: usize = 8;
const MIN_LENGTH: usize = 3;
const MAX_LENGTH: usize = 258;

/// The smallest length of each length symbol, and how many bits follow to tell its lengths apart.
const LENGTHS: [(usize, u8); LENGTH_SYMBOLS] = {
    let mut lengths = [(MAX_LENGTH, 0); LENGTH_SYMBOLS];
    let (mut symbol, mut length) = (0, MIN_LENGTH);
    while symbol < LENGTH_SYMBOLS - 1 {
        let extra_bits = if symbol < 8 { 0 } else { symbol as u8 / 4 - 1 };
        lengths[symbol] = (length, extra_bits);
        length += 1 << extra_bits;
        symbol += 1;
    }
    lengths
};

/// Deflates `data` to one block that ends at a byte boundary; it ends the stream if `is_last`.
pub(super) fn deflate_without_search(data: &[u8], is_last: bool) -> Vec<u8> {
    let counts = Counts::of(data);
    let code_lengths = code_lengths(&counts.symbols());
    let mut writer = BlockWriter::new(counts.bits(&code_lengths), &codes(&code_lengths));
    writer.begin(is_last, &code_lengths);
    scan(data, &mut writer);
    writer.end(is_last)
}

/// Returns the bytes that [`deflate_without_search`] takes for `data` besides the header.
pub(super) fn bytes_without_search(data: &[u8]) -> usize {
    let counts = Counts::of(data);
    counts.bits(&code_lengths(&counts.symbols())) / 8
}

/// Receives what a block holds, in order.
trait Sink {
    /// Takes bytes that are written one by one.
    fn bytes(&mut self, bytes: &[u8]);

    /// Takes `length` repetitions of the byte before; `symbol` counts from the first length symbol.
    fn repeat(&mut self, symbol: usize, length: usize);
}

/// Splits `data` into bytes and runs of zeros.
fn scan(mut data: &[u8], sink: &mut impl Sink) {
    while !data.is_empty() {
        let words = data.as_chunks::<MIN_RUN>().0;
        let run_at = words.iter().position(|word| *word == [0; MIN_RUN]).map_or(data.len(), |index| index * MIN_RUN);
        // The first zero of a run is a byte, which the others repeat.
        let (bytes, zeros) = data.split_at((run_at + 1).min(data.len()));
        sink.bytes(bytes);
        let mut left = zeros_at_start(zeros);
        data = &zeros[left..];
        while left >= MIN_LENGTH {
            let length = left.min(MAX_LENGTH);
            let symbol = LENGTHS.partition_point(|&(smallest, _)| smallest <= length) - 1;
            sink.repeat(symbol, length);
            left -= length;
        }
        sink.bytes(&[0; MIN_LENGTH][..left]);
    }
}

/// Returns how many zeros `data` begins with.
fn zeros_at_start(data: &[u8]) -> usize {
    let words = data.as_chunks::<8>().0.iter().take_while(|word| **word == [0; 8]).count();
    words * 8 + data[words * 8..].iter().take_while(|byte| **byte == 0).count()
}

/// How often each symbol occurs. Bytes have a table for each position in four, because a count that was just increased
/// must be waited for.
struct Counts {
    bytes: [[u32; 256]; 4],
    lengths: [u32; LENGTH_SYMBOLS],
}

impl Sink for Counts {
    fn bytes(&mut self, bytes: &[u8]) {
        let (fours, rest) = bytes.as_chunks::<4>();
        for four in fours {
            for (counts, &byte) in self.bytes.iter_mut().zip(four) {
                counts[usize::from(byte)] += 1;
            }
        }
        rest.iter().for_each(|&byte| self.bytes[0][usize::from(byte)] += 1);
    }

    fn repeat(&mut self, symbol: usize, _: usize) {
        self.lengths[symbol] += 1;
    }
}

impl Counts {
    fn of(data: &[u8]) -> Self {
        let mut counts = Self { bytes: [[0; 256]; 4], lengths: [0; LENGTH_SYMBOLS] };
        scan(data, &mut counts);
        counts
    }

    fn symbols(&self) -> [u32; SYMBOLS] {
        std::array::from_fn(|symbol| match symbol {
            0..END_OF_BLOCK => self.bytes.iter().map(|counts| counts[symbol]).sum(),
            END_OF_BLOCK => 1,
            _ => self.lengths[symbol - END_OF_BLOCK - 1],
        })
    }

    /// Returns the bits that all symbols take, with what follows them.
    fn bits(&self, code_lengths: &[u8; SYMBOLS]) -> usize {
        const DISTANCE_BITS: u8 = 1;
        let product = |(count, bits): (u32, u8)| count as usize * usize::from(bits);
        let symbols = self.symbols().into_iter().zip(*code_lengths);
        let behind_lengths = LENGTHS.map(|(_, extra_bits)| extra_bits + DISTANCE_BITS);
        symbols.chain(self.lengths.into_iter().zip(behind_lengths)).map(product).sum()
    }
}

/// Writes a block.
struct BlockWriter {
    out: Vec<u8>,
    /// The whole bytes that are written.
    written: usize,
    /// Bits that wait for a whole byte, up to 7.
    bits: u64,
    count: u32,
    codes: [Code; SYMBOLS],
}

impl BlockWriter {
    /// Prepares for a block whose symbols take `bits`.
    fn new(bits: usize, codes: &[Code; SYMBOLS]) -> Self {
        // The header, the empty block behind, and the rest of the last word.
        const SPARE: usize = 10 + SYMBOLS.div_ceil(2) + 7 + 8;
        Self { out: vec![0; bits / 8 + SPARE], written: 0, bits: 0, count: 0, codes: *codes }
    }

    /// Writes the lowest `count` bits of `bits`, up to 56; the others must be 0.
    #[inline]
    fn put(&mut self, bits: u64, count: u32) {
        self.bits |= bits << self.count;
        self.count += count;
        self.out[self.written..self.written + 8].copy_from_slice(&self.bits.to_le_bytes());
        self.written += (self.count / 8) as usize;
        self.bits >>= self.count & !7;
        self.count &= 7;
    }

    fn symbol(&mut self, symbol: usize) {
        let Code { bits, count } = self.codes[symbol];
        self.put(bits.into(), count.into());
    }

    /// Writes the header: codes of these lengths, and one distance.
    fn begin(&mut self, is_last: bool, code_lengths: &[u8; SYMBOLS]) {
        const OWN_CODES: u64 = 2;
        self.put(u64::from(is_last) | OWN_CODES << 1, 3);
        // Each count is stored less the smallest that there may be.
        let (symbols, distances, lengths_of_lengths) = (SYMBOLS as u64 - 257, 0, 19 - 4);
        self.put(symbols | distances << 5 | lengths_of_lengths << 10, 14);
        // A code for the lengths: none for the three symbols that repeat lengths, which come first; 4 bits for others.
        self.put(0, 3 * 3);
        (0..16).for_each(|_| self.put(4, 3));
        let distance_bits = 1;
        for &length in code_lengths.iter().chain([&distance_bits]) {
            self.put(u64::from(length.reverse_bits() >> 4), 4);
        }
    }

    fn end(mut self, is_last: bool) -> Vec<u8> {
        self.symbol(END_OF_BLOCK);
        if !is_last {
            // An empty block that is stored: it begins at a byte boundary, behind its own header of three bits.
            self.put(0, 3);
        }
        self.put(0, self.count.wrapping_neg() % 8);
        if !is_last {
            self.put(0xffff_0000, 32);
        }
        self.out.truncate(self.written);
        self.out
    }
}

impl Sink for BlockWriter {
    fn bytes(&mut self, bytes: &[u8]) {
        let (fours, rest) = bytes.as_chunks::<4>();
        for four in fours {
            let [a, b, c, d] = four.map(|byte| self.codes[usize::from(byte)]);
            // Joined in pairs, so that fewer shifts wait for another.
            let join = |first: Code, second: Code| u64::from(first.bits) | u64::from(second.bits) << first.count;
            let (low, high) = (a.count + b.count, c.count + d.count);
            self.put(join(a, b) | join(c, d) << low, u32::from(low + high));
        }
        rest.iter().for_each(|&byte| self.symbol(byte.into()));
    }

    fn repeat(&mut self, symbol: usize, length: usize) {
        self.symbol(END_OF_BLOCK + 1 + symbol);
        let (smallest, extra_bits) = LENGTHS[symbol];
        // The code of the one distance is the bit 0.
        self.put((length - smallest) as u64, u32::from(extra_bits) + 1);
    }
}

#[cfg(test)]
mod tests {
    use zlib_rs::{Inflate, InflateFlush, Status};

    use super::*;

    /// Inflates blocks of `data`, of which the second ends the stream.
    fn assert_survives(data: &[u8]) {
        let stream = [deflate_without_search(data, false), deflate_without_search(data, true)].concat();
        let want = data.repeat(2);
        let mut found = vec![0; want.len() + 1];
        let mut inflate = Inflate::new(false, 15);
        let status = inflate.decompress(&stream, &mut found, InflateFlush::Finish).unwrap();
        let (read, written) = (inflate.total_in() as usize, inflate.total_out() as usize);
        assert_eq!((status, read, written), (Status::StreamEnd, stream.len(), want.len()));
        assert!(found.starts_with(&want));
    }

    #[test]
    fn runs_of_every_length_are_inflated() {
        for length in (1..600).chain([1 << 20]) {
            assert_survives(&vec![0; length]);
            assert_survives(&[&[7; 3][..], &vec![0; length], &[1; 9]].concat());
        }
    }

    #[test]
    fn codes_of_the_greatest_length_are_inflated() {
        // Each byte as often as the two before together: without a limit, the longest code would have 24 bits.
        let (mut data, mut counts) = (Vec::new(), (1, 1));
        for byte in 0..25 {
            data.extend(std::iter::repeat_n(255 - byte, counts.0));
            counts = (counts.1, counts.0 + counts.1);
        }
        assert_survives(&data);
        assert_survives(&(0..=255).collect::<Vec<u8>>());
        assert_survives(&[9]);
    }
}
