//! Checks that no scan of a progressive JPEG ends before its last block (ITU-T T.81, annex G).
//!
//! zune-jpeg takes what is missing for zeros, and so invents a part of the picture. Here the codes are read, and nothing
//! is decoded.

use super::decoded::undecodable;
use super::error::CodecError;
use super::jpeg_bits::{Bits, HuffmanTable};

const FRAME: u8 = 0xc2;
const HUFFMAN_TABLES: u8 = 0xc4;
const START_OF_SCAN: u8 = 0xda;
const RESTART_INTERVAL: u8 = 0xdd;

/// Checks the scans in `bytes`, the segments and scans of a progressive JPEG without an end marker.
///
/// # Errors
/// [`CodecError::Undecodable`] if a scan ends early, or has codes that are not defined.
pub(super) fn check_scans(bytes: &[u8]) -> Result<(), CodecError> {
    let mut frame = Frame::default();
    let mut rest = bytes.get(2..).unwrap_or_default();
    while let [0xff, marker, high, low, after @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low])).checked_sub(2);
        let split = length.and_then(|length| after.split_at_checked(length));
        let (segment, after) = split.ok_or_else(|| undecodable("a segment is cut short"))?;
        rest = after;
        match *marker {
            FRAME => frame.read_components(segment).ok_or_else(|| undecodable("its frame header is damaged"))?,
            HUFFMAN_TABLES => frame.read_tables(segment).ok_or_else(|| undecodable("a Huffman table is damaged"))?,
            RESTART_INTERVAL => {
                frame.restart_interval = segment.iter().fold(0, |all, &byte| all << 8 | usize::from(byte));
            }
            START_OF_SCAN => {
                let mut bits = Bits::new(rest);
                frame.check_scan(segment, &mut bits).ok_or_else(|| undecodable("a part of it is missing"))?;
                rest = bits.after_scan();
            }
            _ => {}
        }
    }
    Ok(())
}

/// What the segments before a scan define.
#[derive(Debug, Default)]
struct Frame {
    components: Vec<Component>,
    /// Units of an interleaved scan, across and down.
    units: [usize; 2],
    dc_tables: [Option<HuffmanTable>; 4],
    ac_tables: [Option<HuffmanTable>; 4],
    /// Units between two restart markers; 0 for none.
    restart_interval: usize,
}

/// A component of the frame.
#[derive(Debug)]
struct Component {
    id: u8,
    /// Blocks of a unit of an interleaved scan, across and down.
    sampling: [usize; 2],
    /// Blocks of a scan of this component alone, across and down.
    blocks: [usize; 2],
    /// Blocks of a row, with those that only interleaved scans have.
    stride: usize,
    /// For each block, a bit for each coefficient that is not 0.
    nonzero: Vec<u64>,
}

/// The coefficients that a scan holds.
#[derive(Debug, Clone, Copy)]
struct Band {
    first: u32,
    last: u32,
    /// Whether the scan adds a bit to coefficients that an earlier one began.
    refines: bool,
}

impl Frame {
    fn read_components(&mut self, segment: &[u8]) -> Option<()> {
        let [_, h1, h0, w1, w0, _, components @ ..] = segment else { return None };
        let size = [[*w1, *w0], [*h1, *h0]].map(|bytes| usize::from(u16::from_be_bytes(bytes)));
        let components: Vec<_> =
            components.chunks_exact(3).map(|part| (part[0], [part[1] >> 4, part[1] & 15].map(usize::from))).collect();
        let max = |axis: usize| components.iter().map(|(_, sampling)| sampling[axis]).max();
        let max = [max(0)?, max(1)?];
        if components.iter().any(|(_, sampling)| sampling.contains(&0)) {
            return None;
        }
        self.units = [0, 1].map(|axis| size[axis].div_ceil(8 * max[axis]));
        let component = |(id, sampling): (u8, [usize; 2])| {
            let blocks = [0, 1].map(|axis| (size[axis] * sampling[axis]).div_ceil(max[axis]).div_ceil(8));
            let stride = self.units[0] * sampling[0];
            Component { id, sampling, blocks, stride, nonzero: vec![0; stride * self.units[1] * sampling[1]] }
        };
        self.components = components.into_iter().map(component).collect();
        Some(())
    }

    fn read_tables(&mut self, mut segment: &[u8]) -> Option<()> {
        while let Some((&place, rest)) = segment.split_first() {
            let (lengths, rest) = rest.split_first_chunk::<16>()?;
            let (symbols, rest) = rest.split_at_checked(lengths.iter().map(|&count| usize::from(count)).sum())?;
            let tables = if place >> 4 == 0 { &mut self.dc_tables } else { &mut self.ac_tables };
            *tables.get_mut(usize::from(place & 15))? = Some(HuffmanTable::new(lengths, symbols)?);
            segment = rest;
        }
        Some(())
    }

    /// Reads the scan that `header` describes; `None` if it ends early.
    fn check_scan(&mut self, header: &[u8], bits: &mut Bits<'_>) -> Option<()> {
        let (&count, rest) = header.split_first()?;
        let (scanned, rest) = rest.split_at_checked(2 * usize::from(count))?;
        let &[first, last, approximation] = rest.first_chunk::<3>()?;
        let band = Band { first: first.into(), last: last.into(), refines: approximation >> 4 > 0 };
        let position = |id: u8| self.components.iter().position(|component| component.id == id);
        let scanned: Option<Vec<(usize, u8)>> =
            scanned.chunks_exact(2).map(|part| Some((position(part[0])?, part[1]))).collect();
        match scanned?[..] {
            [(component, tables)] if first > 0 && last < 64 => {
                let table = self.ac_tables.get(usize::from(tables & 15))?.as_ref()?;
                check_ac(self.components.get_mut(component)?, band, table, self.restart_interval, bits)
            }
            ref scanned if first == 0 && last == 0 => self.check_dc(scanned, band, bits),
            _ => None,
        }
    }

    fn check_dc(&self, scanned: &[(usize, u8)], band: Band, bits: &mut Bits<'_>) -> Option<()> {
        // The blocks of a unit, and the table of each.
        let mut unit = Vec::new();
        for &(component, tables) in scanned {
            let [across, down] = if scanned.len() == 1 { [1, 1] } else { self.components.get(component)?.sampling };
            let table = if band.refines { None } else { Some(self.dc_tables.get(usize::from(tables >> 4))?.as_ref()?) };
            unit.extend(std::iter::repeat_n(table, across * down));
        }
        let [across, down] = match *scanned {
            [(component, _)] => self.components.get(component)?.blocks,
            _ => self.units,
        };
        for at in 0..across * down {
            bits.restart_at(at, self.restart_interval)?;
            for table in &unit {
                let size = table.map_or(Some(1), |table| bits.symbol(table))?;
                bits.skip(size.into())?;
            }
        }
        Some(())
    }
}

/// Reads a scan of AC coefficients of `component`.
fn check_ac(
    component: &mut Component,
    band: Band,
    table: &HuffmanTable,
    restart_interval: usize,
    bits: &mut Bits<'_>,
) -> Option<()> {
    let [across, down] = component.blocks;
    // Blocks that hold nothing new.
    let mut empty_blocks = 0;
    for at in 0..across * down {
        if bits.restart_at(at, restart_interval)? {
            empty_blocks = 0;
        }
        let nonzero = component.nonzero.get_mut(at / across * component.stride + at % across)?;
        let mut k = band.first;
        if empty_blocks == 0 {
            empty_blocks = read_block(nonzero, &mut k, band, table, bits)?;
        }
        if empty_blocks > 0 {
            empty_blocks -= 1;
            if band.refines {
                bits.skip(count_between(*nonzero, k, band.last))?;
            }
        }
    }
    Some(())
}

/// Reads the codes of a block from the coefficient `k` on. Returns for how many blocks, this one included, an end of band
/// stands.
fn read_block(nonzero: &mut u64, k: &mut u32, band: Band, table: &HuffmanTable, bits: &mut Bits<'_>) -> Option<u32> {
    while *k <= band.last {
        let symbol = bits.symbol(table)?;
        let (mut zeros, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
        if size == 0 && zeros < 15 {
            return Some((1 << zeros) + bits.take(zeros)?);
        }
        bits.skip(size)?;
        // A refining scan counts the zeros alone, and has a bit for each coefficient that it passes.
        while *k <= band.last {
            if band.refines && *nonzero >> *k & 1 == 1 {
                bits.skip(1)?;
            } else if zeros == 0 {
                break;
            } else {
                zeros -= 1;
            }
            *k += 1;
        }
        if *k <= band.last {
            *nonzero |= u64::from(size > 0) << *k;
            *k += 1;
        }
    }
    Some(0)
}

/// Returns how many of the bits `first` to `last` of `bits` are set.
fn count_between(bits: u64, first: u32, last: u32) -> u32 {
    if first > last { 0 } else { (bits >> first << (63 - (last - first))).count_ones() }
}
