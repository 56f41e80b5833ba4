//! 3x3 convolutions to a single channel by their definition: to transform all input channels would cost more than
//! Winograd's algorithm saves.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::conv::params::{ConvInput, Epilogue};

/// Rows of the result that are computed together: they read almost the same rows of the input.
const BAND_ROWS: usize = 8;

/// Convolves `input` into `out`, one plane of the same size, with `kernel`, `[1, channels_in, 3, 3]`.
pub fn conv3x3(input: &ConvInput<'_>, kernel: &[f32], bias: f32, epilogue: Epilogue<'_, [f32]>, out: &mut [f32]) {
    let planes = &input.planes()[..];
    let ConvInput { height, width, .. } = *input;
    out.par_chunks_mut(BAND_ROWS * width).enumerate().for_each_init(
        || vec![0.0; width + 2],
        |padded, (band, out)| {
            conv_band(Band { planes, size: [height, width], kernel, top: band * BAND_ROWS, padded, out });
            out.iter_mut().for_each(|value| *value += bias);
            epilogue.apply(out, band * BAND_ROWS * width);
        },
    );
}

struct Band<'a> {
    planes: &'a [&'a [f32]],
    size: [usize; 2],
    kernel: &'a [f32],
    /// Its first row.
    top: usize,
    /// A row with a zero on each side.
    padded: &'a mut [f32],
    out: &'a mut [f32],
}

#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn conv_band<'a>(band: Band<'a>) {
    band.conv();
}

impl Band<'_> {
    #[inline(always)]
    fn conv(self) {
        let [height, width] = self.size;
        let rows = self.out.len() / width;
        self.out.fill(0.0);
        for (plane, kernel) in self.planes.iter().zip(self.kernel.as_chunks::<9>().0) {
            for y in self.top.saturating_sub(1)..(self.top + rows + 1).min(height) {
                self.padded[1..=width].copy_from_slice(&plane[y * width..][..width]);
                let (left, centre, right) = (&self.padded[..width], &self.padded[1..=width], &self.padded[2..]);
                for (ky, taps) in kernel.as_chunks::<3>().0.iter().enumerate() {
                    // The row of the result that this row of the kernel contributes to.
                    let Some(row) = (y + 1).checked_sub(ky + self.top).filter(|&row| row < rows) else { continue };
                    let out = &mut self.out[row * width..][..width];
                    for x in 0..width {
                        out[x] += taps[0] * left[x] + taps[1] * centre[x] + taps[2] * right[x];
                    }
                }
            }
        }
    }
}
