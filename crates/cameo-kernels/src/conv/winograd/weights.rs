//! The weights of a convolution, transformed in advance or when they are needed. To transform them costs up to a tenth
//! of a convolution; kept, transformed weights take four times the memory.

use std::ops::Range;

use multiversion::multiversion;
use rayon::prelude::*;

use crate::conv::gemm::{BLOCK, PanelColumn};
use crate::conv::winograd::scratch::sized;
use crate::conv::winograd::transform::POINTS;

/// The weights of a convolution.
#[derive(Debug, Clone, Copy)]
pub struct ConvWeights<'a> {
    /// `[channels_out, channels_in, side, side]`
    pub kernel: &'a [f32],
    /// `[channels_out]`
    pub bias: &'a [f32],
    /// The kernel, if it is 3x3 and was transformed in advance.
    pub transformed: Option<&'a TransformedWeights>,
}

/// Transformed 3x3 kernels: panels of `[36, channels_in]` for each block of output channels.
#[derive(Debug)]
pub struct TransformedWeights(Vec<PanelColumn>);

impl TransformedWeights {
    /// Transforms `kernel`, `[channels_out, channels_in, 3, 3]`.
    pub fn new(kernel: &[f32], channels_out: usize) -> Self {
        let mut panels = Vec::new();
        transform_all(kernel, kernel.len() / (9 * channels_out), &mut panels);
        Self(panels)
    }
}

/// The methods for 3x3 kernels.
impl<'a> ConvWeights<'a> {
    pub(super) fn channels_out(&self) -> usize {
        self.bias.len()
    }

    pub(super) fn channels_in(&self) -> usize {
        self.kernel.len() / (9 * self.channels_out())
    }

    /// Returns the number of blocks of output channels.
    pub(super) fn blocks(&self) -> usize {
        self.channels_out().div_ceil(BLOCK)
    }

    /// Returns the columns of a block's panels.
    pub(super) fn block_len(&self) -> usize {
        POINTS * self.channels_in()
    }

    /// Returns whether the transformed weights, if there are any, have the size of these.
    pub(super) fn is_consistent(&self) -> bool {
        self.transformed.is_none_or(|transformed| transformed.0.len() == self.blocks() * self.block_len())
    }

    /// Returns the panels of all blocks. All threads transform them into `buffer`, unless the weights were transformed
    /// in advance.
    pub(super) fn panels<'b>(&self, buffer: &'b mut Vec<PanelColumn>) -> &'b [PanelColumn]
    where
        'a: 'b,
    {
        match self.transformed {
            Some(TransformedWeights(panels)) => panels,
            None => transform_all(self.kernel, self.channels_in(), buffer),
        }
    }

    /// Returns the panels of `blocks`. The calling thread transforms them into `buffer`, unless the weights were
    /// transformed in advance.
    pub(super) fn panels_of<'b>(&self, blocks: Range<usize>, buffer: &'b mut Vec<PanelColumn>) -> &'b [PanelColumn]
    where
        'a: 'b,
    {
        let len = self.block_len();
        if let Some(TransformedWeights(panels)) = self.transformed {
            return &panels[blocks.start * len..blocks.end * len];
        }
        let panels = sized(buffer, blocks.len() * len, [0.0; BLOCK]);
        let kernels = self.kernel.chunks(BLOCK * 9 * self.channels_in()).skip(blocks.start);
        for (panels, kernels) in panels.chunks_exact_mut(len).zip(kernels) {
            transform_block(kernels, self.channels_in(), panels);
        }
        panels
    }
}

fn transform_all<'a>(kernel: &[f32], channels_in: usize, buffer: &'a mut Vec<PanelColumn>) -> &'a [PanelColumn] {
    let kernels = kernel.par_chunks(BLOCK * 9 * channels_in);
    let panels = sized(buffer, kernels.len() * POINTS * channels_in, [0.0; BLOCK]);
    let blocks = panels.par_chunks_exact_mut(POINTS * channels_in).zip(kernels);
    blocks.for_each(|(panels, kernels)| transform_block(kernels, channels_in, panels));
    panels
}

/// The numbers of a vector, of which the first [`BLOCK`] are used.
type Wide = [f32; 8];

/// Transforms the kernels of a block of output channels; the last block may have fewer.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn transform_block(kernels: &[f32], channels_in: usize, panels: &mut [PanelColumn]) {
    let rows = kernels.len() / (9 * channels_in);
    for c in 0..channels_in {
        let mut taps = [Wide::default(); 9];
        for r in 0..rows {
            let kernel = &kernels[(r * channels_in + c) * 9..][..9];
            for (tap, &weight) in taps.iter_mut().zip(kernel) {
                tap[r] = weight;
            }
        }
        let mut half = [Wide::default(); 18];
        for x in 0..3 {
            let column = transform_line(&taps[x], &taps[3 + x], &taps[6 + x]);
            for i in 0..6 {
                half[i * 3 + x] = column[i];
            }
        }
        for i in 0..6 {
            let row = transform_line(&half[i * 3], &half[i * 3 + 1], &half[i * 3 + 2]);
            for j in 0..6 {
                let panel = &mut panels[(i * 6 + j) * channels_in + c];
                panel.copy_from_slice(&row[j][..BLOCK]);
            }
        }
    }
}

#[inline(always)]
fn transform_line(a: &Wide, b: &Wide, c: &Wide) -> [Wide; 6] {
    let mut line = [Wide::default(); 6];
    for r in 0..8 {
        let (a, b, c) = (a[r], b[r], c[r]);
        let (b_6, ac_6) = (b / 6.0, (a + c) / 6.0);
        let (b_12, ac_24) = (b / 12.0, a / 24.0 + c / 6.0);
        line[0][r] = a / 4.0;
        line[1][r] = -ac_6 - b_6;
        line[2][r] = b_6 - ac_6;
        line[3][r] = ac_24 + b_12;
        line[4][r] = ac_24 - b_12;
        line[5][r] = c;
    }
    line
}
