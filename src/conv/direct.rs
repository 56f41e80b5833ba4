//! Convolutions of few channels as they are defined: the networks' first layer, which halves the picture, and their
//! last, of single pixels.

use multiversion::multiversion;
use multiversion::target::selected_target;
use rayon::prelude::*;

use crate::kernel::{ROWS, fuses, product};
use crate::transform::{LANES, Lanes};
use crate::winograd::Input;

/// The convolution of `input` by square kernels of odd side, padded by zeros so that stride 1 keeps the size, into
/// `out`, `[channels_out, height / stride, width / stride]`, sizes rounded up. `weights` are
/// `[channels_out, channels_in, side, side]`, `bias` is `[channels_out]`.
pub fn conv(input: &Input<'_>, weights: &[f32], bias: &[f32], stride: usize, out: &mut [f32]) {
    let planes = &input.planes()[..];
    let Input { height, width, .. } = *input;
    let taps = weights.len() / bias.len();
    let side = (taps / planes.len()).isqrt();
    let mut panels = vec![[0.0; ROWS]; bias.len().div_ceil(ROWS) * taps];
    for (o, weights) in weights.chunks_exact(taps).enumerate() {
        for (panel, weight) in panels[o / ROWS * taps..][..taps].iter_mut().zip(weights) {
            panel[o % ROWS] = *weight;
        }
    }
    let (down, across) = (height.div_ceil(stride), width.div_ceil(stride));
    let mut rows: Vec<Vec<&mut [f32]>> = Vec::new();
    rows.resize_with(down, || Vec::with_capacity(bias.len()));
    for plane in out.chunks_exact_mut(down * across) {
        rows.iter_mut().zip(plane.chunks_exact_mut(across)).for_each(|(row, part)| row.push(part));
    }
    rows.into_par_iter().enumerate().for_each(|(y, out)| {
        run_row(Row { planes, height, width, panels: &panels, bias, side, stride, y, out });
    });
}

struct Row<'a, 'b> {
    planes: &'a [&'a [f32]],
    height: usize,
    width: usize,
    panels: &'a [[f32; ROWS]],
    bias: &'a [f32],
    side: usize,
    stride: usize,
    y: usize,
    out: Vec<&'b mut [f32]>,
}

#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn run_row<'a, 'b>(row: Row<'a, 'b>) {
    const FMA: bool = fuses(&selected_target!());
    row.run::<FMA>()
}

impl Row<'_, '_> {
    #[inline(always)]
    fn run<const FMA: bool>(mut self) {
        let taps = self.planes.len() * self.side * self.side;
        let mut seen: Vec<Lanes> = vec![[0.0; LANES]; taps];
        let mut made = [[0.0; LANES]; ROWS];
        let across = self.width.div_ceil(self.stride);
        for from in (0..across).step_by(LANES) {
            self.gather(from, &mut seen);
            let count = (across - from).min(LANES);
            for (block, panel) in self.panels.chunks_exact(taps).enumerate() {
                product::<FMA>(&seen, panel, &mut made);
                let outs = self.out.iter_mut().zip(self.bias).skip(block * ROWS);
                for ((out, bias), made) in outs.zip(&made) {
                    for (out, made) in out[from..from + count].iter_mut().zip(made) {
                        *out = made + bias;
                    }
                }
            }
        }
    }

    /// What each tap sees from the results that begin at `from`.
    #[inline(always)]
    fn gather(&self, from: usize, seen: &mut [Lanes]) {
        let reach = self.side / 2;
        for (tap, lanes) in seen.iter_mut().enumerate() {
            let (c, ky, kx) = (tap / (self.side * self.side), tap / self.side % self.side, tap % self.side);
            let y = (self.y * self.stride + ky).wrapping_sub(reach);
            if y >= self.height {
                lanes.fill(0.0);
                continue;
            }
            let row = &self.planes[c][y * self.width..][..self.width];
            // Where all that is seen lies within the row, without a look at each.
            let first = (from * self.stride + kx).wrapping_sub(reach);
            if let Some(near) = row.get(first..).and_then(|row| row.get(..(LANES - 1) * self.stride + 1)) {
                for (lane, value) in lanes.iter_mut().zip(near.iter().step_by(self.stride)) {
                    *lane = *value;
                }
                continue;
            }
            for (n, lane) in lanes.iter_mut().enumerate() {
                let x = ((from + n) * self.stride + kx).wrapping_sub(reach);
                *lane = row.get(x).copied().unwrap_or(0.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::{Steps, convolution, numbers};

    #[test]
    fn a_convolution_with_a_stride_is_what_it_is_defined_as() {
        for (channels, out, height, width, side, stride) in
            [(3, 64, 64, 50, 3, 2), (3, 7, 33, 35, 3, 2), (6, 1, 20, 41, 1, 1), (2, 5, 1, 1, 3, 2), (2, 3, 9, 17, 3, 1)]
        {
            let x = numbers(channels * height * width, 1);
            let weights = numbers(channels * out * side * side, 2);
            let bias = numbers(out, 3);
            let mut found = vec![f32::NAN; out * height.div_ceil(stride) * width.div_ceil(stride)];
            conv(&Input { parts: &[&x], height, width }, &weights, &bias, stride, &mut found);
            let want = convolution(&x, [height, width], &weights, &bias, Steps { stride, dilation: 1 });
            assert!(found.iter().all(|value| !value.is_nan()));
            let off = found.iter().zip(&want).map(|(found, want)| (found - want).abs()).fold(0.0, f32::max);
            assert!(off < 1e-5, "{channels} {out} {height}x{width} {side} {stride}: {off}");
        }
    }
}
