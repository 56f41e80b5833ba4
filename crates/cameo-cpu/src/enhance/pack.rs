//! Planes of floating-point numbers to interleaved pixels of 8 or 16 bits.

use std::array::from_fn;

use multiversion::multiversion;

use cameo_core::codec::Sample;

use super::lanes::{LANES, Lanes, lanes_at, max};

/// Rounds straight pixels in 0..1 to samples; colours become 0 where alpha is 0. `out` holds up to [`LANES`] pixels.
#[inline(always)]
pub fn pack<T: Sample>(straight: &[Lanes; 4], out: &mut [[T; 4]]) {
    let zero = T::from_u64(0);
    let packed: [[T; 4]; LANES] = from_fn(|l| {
        let pixel: [T; 4] = from_fn(|c| T::from_unit(straight[c][l]));
        if pixel[3] == zero { [zero; 4] } else { pixel }
    });
    match out.as_chunks_mut::<LANES>().0 {
        [whole] => *whole = packed,
        _ => out.copy_from_slice(&packed[..out.len()]),
    }
}

/// Divides a row of premultiplied planes by alpha, and packs it.
#[multiversion(targets("x86_64+avx2"))]
pub fn unpremultiply_row<T: Sample>(planes: &[&[f32]; 4], out: &mut [[T; 4]]) {
    for (n, out) in out.chunks_mut(LANES).enumerate() {
        let mut straight: [Lanes; 4] = planes.map(|plane| lanes_at(plane, n));
        for l in 0..LANES {
            let inverse = 1.0 / max(straight[3][l], 1e-6);
            (0..3).for_each(|c| straight[c][l] *= inverse);
        }
        pack(&straight, out);
    }
}
