//! A convolution's weights, transformed when they are needed: that costs a few percent of the convolution, and keeping
//! them transformed would take four times their memory.

use multiversion::multiversion;
use multiversion::target::Target;
use rayon::prelude::*;

use crate::transform::{LANES, Lanes, POINTS};

/// Channels of the result that a product makes at once.
pub const ROWS: usize = 6;

/// A kernel's weights.
#[derive(Debug, Clone, Copy)]
pub struct Kernel<'a> {
    pub channels_in: usize,
    pub channels_out: usize,
    weights: &'a [f32],
    pub bias: &'a [f32],
}

impl<'a> Kernel<'a> {
    /// `weights` are `[channels_out, channels_in, 3, 3]`, `bias` is `[channels_out]`.
    pub fn new(weights: &'a [f32], bias: &'a [f32]) -> Self {
        let channels_out = bias.len();
        Self { channels_in: weights.len() / (9 * channels_out), channels_out, weights, bias }
    }

    pub fn blocks(&self) -> usize {
        self.channels_out.div_ceil(ROWS)
    }

    /// Numbers, in sixes, of a block's transformed weights.
    pub fn block_len(&self) -> usize {
        POINTS * self.channels_in
    }

    /// The transformed weights of a block of six channels of the result, `[36, channels_in]`.
    pub fn transform(&self, block: usize, panels: &mut [[f32; ROWS]]) {
        let row = 9 * self.channels_in;
        let weights = &self.weights[block * ROWS * row..];
        transform_weights(&weights[..weights.len().min(ROWS * row)], self.channels_in, panels);
    }

    /// All of them, a block after another.
    pub fn transform_all(&self, panels: &mut [[f32; ROWS]]) {
        let blocks = panels.par_chunks_exact_mut(self.block_len()).enumerate();
        blocks.for_each(|(block, panels)| self.transform(block, panels));
    }
}

#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn transform_weights(weights: &[f32], channels_in: usize, panels: &mut [[f32; ROWS]]) {
    let rows = weights.len() / (9 * channels_in);
    for c in 0..channels_in {
        let mut taps = [[0f32; ROWS]; 9];
        for r in 0..rows {
            let kernel = &weights[(r * channels_in + c) * 9..][..9];
            for (tap, &weight) in taps.iter_mut().zip(kernel) {
                tap[r] = weight;
            }
        }
        let mut half = [[0f32; ROWS]; 18];
        for x in 0..3 {
            let column = weight_line([taps[x], taps[3 + x], taps[6 + x]]);
            for (i, value) in column.into_iter().enumerate() {
                half[i * 3 + x] = value;
            }
        }
        for i in 0..6 {
            let row = weight_line([half[i * 3], half[i * 3 + 1], half[i * 3 + 2]]);
            for (j, value) in row.into_iter().enumerate() {
                panels[(i * 6 + j) * channels_in + c] = value;
            }
        }
    }
}

#[inline(always)]
fn weight_line([a, b, c]: [[f32; ROWS]; 3]) -> [[f32; ROWS]; 6] {
    let mut line = [[0f32; ROWS]; 6];
    for r in 0..ROWS {
        let (a, b, c) = (a[r], b[r], c[r]);
        let (sixth, ends) = (b / 6.0, (a + c) / 6.0);
        let (twelfth, far) = (b / 12.0, a / 24.0 + c / 6.0);
        let values = [a / 4.0, -ends - sixth, sixth - ends, far + twelfth, far - twelfth, c];
        for (line, value) in line.iter_mut().zip(values) {
            line[r] = value;
        }
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
