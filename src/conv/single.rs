//! 3x3 convolutions to a single channel, as they are defined: transforms of all channels that are seen would cost more
//! than they save.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::winograd::{Input, Manner};

/// Rows of results that are made together: most of what they see is seen by the next.
const ROWS: usize = 8;

/// The convolution of `input` into `out`, a plane, as [`conv3x3`](crate::conv3x3), without dilation.
pub fn convolve(input: &Input<'_>, weights: &[f32], bias: f32, manner: Manner<'_>, out: &mut [f32]) {
    let planes = &input.planes()[..];
    let Input { height, width, .. } = *input;
    out.par_chunks_mut(ROWS * width).enumerate().for_each_init(
        || vec![0.0; width + 2],
        |padded, (band, out)| {
            run_rows(Rows { planes, size: [height, width], weights, top: band * ROWS, padded, out });
            let least = if manner.relu { 0.0 } else { f32::NEG_INFINITY };
            out.iter_mut().for_each(|value| *value = (*value + bias).max(least));
            if let Some(plus) = manner.plus {
                out.iter_mut().zip(&plus[band * ROWS * width..]).for_each(|(value, plus)| *value += plus);
            }
        },
    );
}

struct Rows<'a> {
    planes: &'a [&'a [f32]],
    size: [usize; 2],
    weights: &'a [f32],
    top: usize,
    /// A row with a zero on each side.
    padded: &'a mut [f32],
    out: &'a mut [f32],
}

#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn run_rows<'a>(rows: Rows<'a>) {
    rows.run()
}

impl Rows<'_> {
    #[inline(always)]
    fn run(self) {
        let [height, width] = self.size;
        let rows = self.out.len() / width;
        self.out.fill(0.0);
        for (plane, kernel) in self.planes.iter().zip(self.weights.as_chunks::<9>().0) {
            for y in self.top.saturating_sub(1)..(self.top + rows + 1).min(height) {
                self.padded[1..=width].copy_from_slice(&plane[y * width..][..width]);
                let (left, here, right) = (&self.padded[..width], &self.padded[1..=width], &self.padded[2..]);
                for (ky, taps) in kernel.as_chunks::<3>().0.iter().enumerate() {
                    // The row of results that this tap of the kernel puts it in.
                    let Some(row) = (y + 1).checked_sub(ky + self.top).filter(|&row| row < rows) else { continue };
                    let out = &mut self.out[row * width..][..width];
                    for x in 0..width {
                        out[x] += taps[0] * left[x] + taps[1] * here[x] + taps[2] * right[x];
                    }
                }
            }
        }
    }
}
