//! Huffman codes for deflate (RFC 1951, section 3.2.2).

/// Bits of the longest code. Deflate allows 15; four of 14 fit in a word beside the bits that wait for a whole byte.
const MAX_CODE_BITS: u8 = 14;

/// Returns the code lengths of a Huffman code, none longer than [`MAX_CODE_BITS`]; 0 for symbols that do not occur. At
/// least two must occur.
pub(super) fn code_lengths<const SYMBOLS: usize>(counts: &[u32; SYMBOLS]) -> [u8; SYMBOLS] {
    let mut rarest_first: Vec<usize> = (0..SYMBOLS).filter(|&symbol| counts[symbol] > 0).collect();
    rarest_first.sort_by_key(|&symbol| counts[symbol]);
    // The leaves of the tree, then its inner nodes, which arise in the order of their counts.
    let mut nodes: Vec<u64> = rarest_first.iter().map(|&symbol| counts[symbol].into()).collect();
    let leaves = nodes.len();
    let mut parents = vec![0; 2 * leaves - 1];
    let (mut leaf, mut inner) = (0, leaves);
    for parent in leaves..2 * leaves - 1 {
        let mut take_rarest = || {
            let is_leaf = leaf < leaves && (inner == parent || nodes[leaf] <= nodes[inner]);
            let next = if is_leaf { &mut leaf } else { &mut inner };
            parents[*next] = parent;
            *next += 1;
            nodes[*next - 1]
        };
        let count = take_rarest() + take_rarest();
        nodes.push(count);
    }
    let mut depths = vec![0; nodes.len()];
    for node in (0..nodes.len() - 1).rev() {
        depths[node] = depths[parents[node]] + 1;
    }
    let mut codes_of = [0; MAX_CODE_BITS as usize + 1];
    depths[..leaves].iter().for_each(|&depth: &usize| codes_of[depth.min(MAX_CODE_BITS.into())] += 1);
    limit(&mut codes_of);
    let longest_first =
        (1..=MAX_CODE_BITS).rev().flat_map(|bits| std::iter::repeat_n(bits, codes_of[usize::from(bits)]));
    let mut code_lengths = [0; SYMBOLS];
    rarest_first.into_iter().zip(longest_first).for_each(|(symbol, bits)| code_lengths[symbol] = bits);
    code_lengths
}

/// Makes a complete code of `codes_of`, the number of codes of each length: codes that were cut to the greatest length
/// take more room than there is.
fn limit(codes_of: &mut [usize; MAX_CODE_BITS as usize + 1]) {
    let longest = codes_of.len() - 1;
    let taken: usize = (1..=longest).map(|bits| codes_of[bits] << (longest - bits)).sum();
    for _ in 1 << longest..taken {
        // A shorter code gives way to two that are longer by one bit: its own, and that of a longest code.
        let shorter = (1..longest).rev().find(|&bits| codes_of[bits] > 0).expect("longest codes alone would fit");
        codes_of[shorter] -= 1;
        codes_of[shorter + 1] += 2;
        codes_of[longest] -= 1;
    }
}

/// A code and its length in bits. The first bit of the code is the lowest.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Code {
    pub bits: u16,
    pub count: u8,
}

/// Returns the codes that RFC 1951 assigns to these lengths.
pub(super) fn codes<const SYMBOLS: usize>(code_lengths: &[u8; SYMBOLS]) -> [Code; SYMBOLS] {
    let mut codes = [Code::default(); SYMBOLS];
    let mut next = 0u16;
    for count in 1..=MAX_CODE_BITS {
        next <<= 1;
        for (code, _) in codes.iter_mut().zip(code_lengths).filter(|&(_, &length)| length == count) {
            *code = Code { bits: next.reverse_bits() >> (16 - count), count };
            next += 1;
        }
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequent_symbols_have_short_codes() {
        let lengths = code_lengths(&[1, 0, 8, 3, 1]);
        assert_eq!(lengths, [3, 0, 1, 2, 3]);
        let codes = codes(&lengths).map(|code| (code.bits, code.count));
        assert_eq!(codes, [(0b011, 3), (0, 0), (0, 1), (0b01, 2), (0b111, 3)]);
    }

    #[test]
    fn a_code_is_limited_and_complete() {
        let mut counts = [1u32; 40];
        (2..40).for_each(|symbol| counts[symbol] = counts[symbol - 1] + counts[symbol - 2]);
        let lengths = code_lengths(&counts);
        assert_eq!(lengths.iter().max(), Some(&MAX_CODE_BITS));
        assert_eq!(lengths.iter().map(|&bits| 1 << (MAX_CODE_BITS - bits)).sum::<u32>(), 1 << MAX_CODE_BITS);
        assert!(lengths.is_sorted_by(|rare, frequent| rare >= frequent));
    }
}
