//! Convolutions by their definition: the first layers, which halve the size, and those of single pixels.

use multiversion::multiversion;
use multiversion::target::selected_target;
use rayon::prelude::*;

use crate::conv::gemm::{BLOCK, LANES, Lanes, PanelColumn, gemm, has_fma};
use crate::conv::params::{ConvInput, ConvParams, ConvShape};

/// Convolves `input` with `kernel`, `[channels_out, channels_in, side, side]`, into `out`.
pub fn conv(input: &ConvInput<'_>, kernel: &[f32], bias: &[f32], params: ConvParams<'_>, out: &mut [f32]) {
    let planes = &input.planes()[..];
    let taps = kernel.len() / bias.len();
    let mut panels = vec![[0.0; BLOCK]; bias.len().div_ceil(BLOCK) * taps];
    for (o, weights) in kernel.chunks_exact(taps).enumerate() {
        for (column, weight) in panels[o / BLOCK * taps..][..taps].iter_mut().zip(weights) {
            column[o % BLOCK] = *weight;
        }
    }
    let input_size = [input.height, input.width];
    let [height, width] = params.shape.output_size(input_size);
    let layer = Layer { planes, input_size, output_size: [height, width], panels: &panels, bias, taps, params };
    let mut rows: Vec<Vec<&mut [f32]>> = Vec::new();
    rows.resize_with(height, || Vec::with_capacity(bias.len()));
    for plane in out.chunks_exact_mut(height * width) {
        rows.iter_mut().zip(plane.chunks_exact_mut(width)).for_each(|(row, channel)| row.push(channel));
    }
    let patches = || vec![[0.0; LANES]; taps];
    rows.into_par_iter().enumerate().for_each_init(patches, |patches, (y, row)| conv_row(&layer, y, patches, row));
}

struct Layer<'a> {
    planes: &'a [&'a [f32]],
    input_size: [usize; 2],
    output_size: [usize; 2],
    /// The weights, `[taps]` for each block of output channels.
    panels: &'a [PanelColumn],
    bias: &'a [f32],
    /// Weights of an output channel.
    taps: usize,
    params: ConvParams<'a>,
}

#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn conv_row<'a>(layer: &Layer<'a>, y: usize, patches: &mut [Lanes], row: Vec<&mut [f32]>) {
    const FMA: bool = has_fma(&selected_target!());
    layer.conv_row::<FMA>(y, patches, row);
}

impl Layer<'_> {
    /// Computes row `y` of each output channel. What `patches` holds before and after is meaningless.
    #[inline(always)]
    fn conv_row<const FMA: bool>(&self, y: usize, patches: &mut [Lanes], mut row: Vec<&mut [f32]>) {
        let [height, width] = self.output_size;
        let mut products = [[0.0; LANES]; BLOCK];
        for start in (0..width).step_by(LANES) {
            self.gather(y, start, patches);
            let count = (width - start).min(LANES);
            for (block, panel) in self.panels.chunks_exact(self.taps).enumerate() {
                gemm::<FMA>(patches, panel, &mut products);
                let channels = row.iter_mut().zip(self.bias).skip(block * BLOCK);
                for ((channel, bias), products) in channels.zip(&products) {
                    for (value, product) in channel[start..start + count].iter_mut().zip(products) {
                        *value = product + bias;
                    }
                }
            }
        }
        for (o, channel) in row.iter_mut().enumerate() {
            self.params.epilogue.apply(channel, (o * height + y) * width);
        }
    }

    /// Fills `patches` with the values that each tap reads for the results from column `start` of row `y` on.
    #[inline(always)]
    fn gather(&self, y: usize, start: usize, patches: &mut [Lanes]) {
        let ConvShape { kernel: side, stride, dilation, padding: [top, left, ..] } = self.params.shape;
        let [height, width] = self.input_size;
        for (plane, patches) in self.planes.iter().zip(patches.chunks_exact_mut(side * side)) {
            for (ky, patches) in patches.chunks_exact_mut(side).enumerate() {
                let row = (y * stride + ky * dilation).wrapping_sub(top);
                if row >= height {
                    patches.fill([0.0; LANES]);
                    continue;
                }
                let row = &plane[row * width..][..width];
                for (kx, lanes) in patches.iter_mut().enumerate() {
                    read_columns(row, (start * stride + kx * dilation).wrapping_sub(left), stride, lanes);
                }
            }
        }
    }
}

/// Reads the columns `first`, `first + stride` and so on of `row`; those outside of it are zeros.
#[inline(always)]
fn read_columns(row: &[f32], first: usize, stride: usize, lanes: &mut Lanes) {
    // Most columns lie within the row: those need no check of each.
    match row.get(first..).and_then(|row| row.get(..(LANES - 1) * stride + 1)) {
        Some(values) if stride == 1 => lanes.copy_from_slice(values),
        Some(values) => lanes.iter_mut().zip(values.iter().step_by(stride)).for_each(|(lane, value)| *lane = *value),
        None => {
            for (n, lane) in lanes.iter_mut().enumerate() {
                *lane = row.get(first.wrapping_add(n * stride)).copied().unwrap_or(0.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conv::params::{Activation, Epilogue};
    use crate::conv::reference::{convolution, max_difference, numbers, with_epilogue};

    fn assert_matches_its_definition(channels: [usize; 2], size: [usize; 2], shape: ConvShape, activation: Activation) {
        let [height, width] = size;
        let input = numbers(channels[0] * height * width, 1);
        let kernel = numbers(channels[0] * channels[1] * shape.kernel * shape.kernel, 2);
        let bias = numbers(channels[1], 3);
        let mut out = vec![f32::NAN; channels[1] * shape.output_size(size).iter().product::<usize>()];
        let residual = numbers(out.len(), 4);
        // Two maps, and their channels one after another.
        let maps: Vec<&[f32]> = input.chunks(channels[0].div_ceil(2) * height * width).collect();
        let plain = convolution(&input, size, &kernel, &bias, 1, &shape);
        for residual in [None, Some(&residual[..])] {
            let epilogue = Epilogue { activation, residual };
            conv(&ConvInput { maps: &maps, height, width }, &kernel, &bias, ConvParams { shape, epilogue }, &mut out);
            let difference = max_difference(&out, &with_epilogue(&plain, &epilogue));
            assert!(difference < 1e-5, "{channels:?} {size:?} {shape:?}: {difference}");
            // The comparison notices an epilogue that was left out.
            let does_nothing = activation == Activation::None && residual.is_none();
            assert_eq!(max_difference(&out, &plain) < 1e-5, does_nothing);
        }
    }

    #[test]
    fn single_pixels_match_the_definition() {
        let shape = ConvShape { kernel: 1, stride: 1, dilation: 1, padding: [0; 4] };
        for activation in [Activation::None, Activation::Relu, Activation::HardSwish, Activation::Sigmoid] {
            for (channels, size) in
                [([6, 1], [20, 41]), ([16, 72], [17, 16]), ([96, 24], [1, 1]), ([3, 4], [1, 50]), ([24, 13], [33, 1])]
            {
                assert_matches_its_definition(channels, size, shape, activation);
            }
        }
    }

    #[test]
    fn strides_dilations_and_uneven_padding_match_the_definition() {
        let shape = |stride, dilation, padding| ConvShape { kernel: 3, stride, dilation, padding };
        for (channels, size, shape) in [
            ([3, 64], [64, 50], shape(2, 1, [1; 4])),
            ([3, 7], [33, 35], shape(2, 1, [1; 4])),
            ([3, 16], [64, 66], shape(2, 1, [0, 0, 1, 1])),
            ([2, 5], [1, 1], shape(2, 1, [1; 4])),
            ([2, 3], [9, 17], shape(1, 1, [1; 4])),
            ([2, 3], [9, 40], shape(1, 2, [2, 1, 0, 3])),
            ([2, 3], [12, 47], ConvShape { kernel: 5, stride: 3, dilation: 1, padding: [4, 0, 1, 2] }),
        ] {
            assert_matches_its_definition(channels, size, shape, Activation::Relu);
        }
    }
}
