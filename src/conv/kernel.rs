//! A convolution's weights, transformed once and kept, or as they are needed. To do that costs up to a tenth of the
//! convolution; kept transformed, they take four times their memory.

use std::ops::Range;

use multiversion::multiversion;
use multiversion::target::Target;
use rayon::prelude::*;

use crate::scratch::room;
use crate::transform::{LANES, Lanes, POINTS};

/// Channels of the result that a product makes at once.
pub const ROWS: usize = 6;

/// What a convolution multiplies by.
#[derive(Debug, Clone, Copy)]
pub struct Kernel<'a> {
    /// `[channels_out, channels_in, 3, 3]`
    pub weights: &'a [f32],
    /// `[channels_out]`
    pub bias: &'a [f32],
    /// The same weights, if they were transformed before.
    pub transformed: Option<&'a Transformed>,
}

/// Transformed weights: `[36, channels_in]` of each block of six channels of the result.
#[derive(Debug)]
pub struct Transformed(Vec<[f32; ROWS]>);

impl Transformed {
    /// Of `weights`, `[channels_out, channels_in, 3, 3]`.
    pub fn new(weights: &[f32], channels_out: usize) -> Self {
        let mut panels = Vec::new();
        transform_all(weights, weights.len() / (9 * channels_out), &mut panels);
        Self(panels)
    }

    /// Whether they may be those of `kernel`.
    pub(crate) fn is_of(&self, kernel: &Kernel<'_>) -> bool {
        self.0.len() == kernel.blocks() * kernel.block_len()
    }
}

impl<'a> Kernel<'a> {
    pub(crate) fn channels_out(&self) -> usize {
        self.bias.len()
    }

    pub(crate) fn channels_in(&self) -> usize {
        self.weights.len() / (9 * self.channels_out())
    }

    pub(crate) fn blocks(&self) -> usize {
        self.channels_out().div_ceil(ROWS)
    }

    /// Numbers, in sixes, of a block's transformed weights.
    pub(crate) fn block_len(&self) -> usize {
        POINTS * self.channels_in()
    }

    /// The transformed weights of all blocks; made in `held` by all threads, if they were not kept.
    pub(crate) fn panels<'b>(&self, held: &'b mut Vec<[f32; ROWS]>) -> &'b [[f32; ROWS]]
    where
        'a: 'b,
    {
        match self.transformed {
            Some(Transformed(panels)) => panels,
            None => transform_all(self.weights, self.channels_in(), held),
        }
    }

    /// Those of some `blocks`; made in `held` by this thread, if they were not kept.
    pub(crate) fn some_panels<'b>(&self, blocks: Range<usize>, held: &'b mut Vec<[f32; ROWS]>) -> &'b [[f32; ROWS]]
    where
        'a: 'b,
    {
        let len = self.block_len();
        if let Some(Transformed(panels)) = self.transformed {
            return &panels[blocks.start * len..blocks.end * len];
        }
        let panels = room(held, blocks.len() * len, [0.0; ROWS]);
        let weights = self.weights.chunks(ROWS * 9 * self.channels_in()).skip(blocks.start);
        let made = panels.chunks_exact_mut(len).zip(weights);
        made.for_each(|(panels, weights)| transform(weights, self.channels_in(), panels));
        panels
    }
}

fn transform_all<'a>(weights: &[f32], channels_in: usize, held: &'a mut Vec<[f32; ROWS]>) -> &'a [[f32; ROWS]] {
    let weights = weights.par_chunks(ROWS * 9 * channels_in);
    let panels = room(held, weights.len() * POINTS * channels_in, [0.0; ROWS]);
    let made = panels.par_chunks_exact_mut(POINTS * channels_in).zip(weights);
    made.for_each(|(panels, weights)| transform(weights, channels_in, panels));
    panels
}

/// As many numbers as a vector has, of which [`ROWS`] count.
type Wide = [f32; 8];

/// The weights of a block of channels of the result, or of as many as are left.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn transform(weights: &[f32], channels_in: usize, panels: &mut [[f32; ROWS]]) {
    let rows = weights.len() / (9 * channels_in);
    for c in 0..channels_in {
        let mut taps = [Wide::default(); 9];
        for r in 0..rows {
            let kernel = &weights[(r * channels_in + c) * 9..][..9];
            for (tap, &weight) in taps.iter_mut().zip(kernel) {
                tap[r] = weight;
            }
        }
        let mut half = [Wide::default(); 18];
        for x in 0..3 {
            let column = weight_line(&taps[x], &taps[3 + x], &taps[6 + x]);
            for i in 0..6 {
                half[i * 3 + x] = column[i];
            }
        }
        for i in 0..6 {
            let row = weight_line(&half[i * 3], &half[i * 3 + 1], &half[i * 3 + 2]);
            for j in 0..6 {
                let panel = &mut panels[(i * 6 + j) * channels_in + c];
                panel.copy_from_slice(&row[j][..ROWS]);
            }
        }
    }
}

#[inline(always)]
fn weight_line(a: &Wide, b: &Wide, c: &Wide) -> [Wide; 6] {
    let mut line = [Wide::default(); 6];
    for r in 0..8 {
        let (a, b, c) = (a[r], b[r], c[r]);
        let (sixth, ends) = (b / 6.0, (a + c) / 6.0);
        let (twelfth, far) = (b / 12.0, a / 24.0 + c / 6.0);
        line[0][r] = a / 4.0;
        line[1][r] = -ends - sixth;
        line[2][r] = sixth - ends;
        line[3][r] = far + twelfth;
        line[4][r] = far - twelfth;
        line[5][r] = c;
    }
    line
}

/// Whether the processor that `target` stands for multiplies and adds in one instruction; without one, `mul_add` is a call.
pub const fn fuses(target: &Target) -> bool {
    cfg!(target_arch = "aarch64") || (cfg!(target_arch = "x86_64") && target.supports_feature_str("fma"))
}

/// `made[r] = sum over c of panel[c][r] * seen[c]`.
#[inline(always)]
pub fn product<const FMA: bool>(seen: &[Lanes], panel: &[[f32; ROWS]], made: &mut [Lanes]) {
    let made: &mut [Lanes; ROWS] = made.first_chunk_mut().expect("room for a block");
    // In registers from first to last, as nothing takes a part of it.
    let mut sums = [[0.0; LANES]; ROWS];
    for (values, weights) in seen.iter().zip(panel) {
        for r in 0..ROWS {
            for n in 0..LANES {
                sums[r][n] =
                    if FMA { weights[r].mul_add(values[n], sums[r][n]) } else { weights[r] * values[n] + sums[r][n] };
            }
        }
    }
    *made = sums;
}
