//! Depthwise convolutions: each channel has a kernel of its own.

use multiversion::multiversion;
use multiversion::target::selected_target;
use rayon::prelude::*;

use crate::conv::gemm::{LANES, Lanes, has_fma};
use crate::conv::params::{ConvParams, ConvShape};

/// Convolves each channel of `input`, `[channels, size[0], size[1]]`, with its kernel of `kernels`,
/// `[channels, 1, side, side]`, into `out`, `[channels, height, width]` of the shape's output size.
pub fn depthwise_conv(
    input: &[f32],
    size: [usize; 2],
    kernels: &[f32],
    bias: &[f32],
    params: ConvParams<'_>,
    out: &mut [f32],
) {
    let [height, width] = params.shape.output_size(size);
    let layout = PaddedLayout::new(&params.shape, size[0], width);
    let kernels = kernels.par_chunks_exact(params.shape.kernel * params.shape.kernel).zip(bias);
    let channels = out.par_chunks_exact_mut(height * width).zip(input.par_chunks_exact(size[0] * size[1])).zip(kernels);
    channels.enumerate().for_each_init(
        || vec![0.0; layout.len()],
        |padded, (c, ((out, plane), (kernel, bias)))| {
            layout.fill(plane, size[1], padded);
            let kernel = Kernel { taps: layout.taps(kernel), bias: *bias };
            conv_plane(padded, &layout, &kernel, width, out);
            params.epilogue.apply(out, c * height * width);
        },
    );
}

/// Where the values of a padded plane lie in memory.
///
/// Columns that are a stride apart lie beside each other, so that a tap reads whole vectors at any stride: a row of the
/// padded plane becomes `stride` rows, its phases.
struct PaddedLayout {
    shape: ConvShape,
    /// Rows of the padded plane.
    rows: usize,
    /// Values of a phase, with as many behind the last one as its vector of results reads.
    phase_len: usize,
}

impl PaddedLayout {
    fn new(shape: &ConvShape, height: usize, output_width: usize) -> Self {
        let [top, _, bottom, _] = shape.padding;
        let extent = (shape.kernel - 1) * shape.dilation;
        let phase_len = output_width.next_multiple_of(LANES) + extent / shape.stride;
        Self { shape: *shape, rows: top + height + bottom, phase_len }
    }

    fn row_len(&self) -> usize {
        self.shape.stride * self.phase_len
    }

    fn len(&self) -> usize {
        self.rows * self.row_len()
    }

    /// Writes `plane` into `padded`, which must be zero around it.
    fn fill(&self, plane: &[f32], width: usize, padded: &mut [f32]) {
        let ConvShape { stride, padding: [top, left, ..], .. } = self.shape;
        for (row, padded) in plane.chunks_exact(width).zip(padded.chunks_exact_mut(self.row_len()).skip(top)) {
            for (phase, padded) in padded.chunks_exact_mut(self.phase_len).enumerate() {
                // The first column of this phase that is not padding.
                let first = (phase + stride - left % stride) % stride;
                let offset = (left + first) / stride;
                let columns = row.get(first..).unwrap_or_default().iter().step_by(stride);
                padded[offset..].iter_mut().zip(columns).for_each(|(to, from)| *to = *from);
            }
        }
    }

    /// The weights of a kernel, each with the offset of what it reads for the first result of a row.
    fn taps(&self, kernel: &[f32]) -> Vec<(usize, f32)> {
        let ConvShape { kernel: side, stride, dilation, .. } = self.shape;
        let tap = |(k, weight): (usize, &f32)| {
            let (row, column) = (k / side * dilation, k % side * dilation);
            (row * self.row_len() + column % stride * self.phase_len + column / stride, *weight)
        };
        kernel.iter().enumerate().map(tap).collect()
    }
}

struct Kernel {
    taps: Vec<(usize, f32)>,
    bias: f32,
}

#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn conv_plane(padded: &[f32], layout: &PaddedLayout, kernel: &Kernel, width: usize, out: &mut [f32]) {
    const FMA: bool = has_fma(&selected_target!());
    for (y, row) in out.chunks_exact_mut(width).enumerate() {
        let padded = &padded[y * layout.shape.stride * layout.row_len()..];
        for (x, values) in row.chunks_mut(LANES).enumerate() {
            let sums = weighted_sums::<FMA>(&padded[x * LANES..], kernel);
            values.copy_from_slice(&sums[..values.len()]);
        }
    }
}

#[inline(always)]
fn weighted_sums<const FMA: bool>(padded: &[f32], kernel: &Kernel) -> Lanes {
    let mut sums = [kernel.bias; LANES];
    for &(offset, weight) in &kernel.taps {
        let values: &Lanes = padded[offset..].first_chunk().expect("phases have whole vectors");
        for n in 0..LANES {
            sums[n] = if FMA { weight.mul_add(values[n], sums[n]) } else { weight * values[n] + sums[n] };
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conv::params::{Activation, Epilogue};
    use crate::conv::reference::{convolution, max_difference, numbers, with_epilogue};

    /// Kernels of 3 and 5 at strides 1 and 2, padded as TensorFlow's `SAME` for even sizes, and evenly; and one with
    /// stride 3, dilation 2 and another padding on each side.
    const SHAPES: [ConvShape; 7] = [
        ConvShape { kernel: 3, stride: 1, dilation: 1, padding: [1; 4] },
        ConvShape { kernel: 3, stride: 2, dilation: 1, padding: [0, 0, 1, 1] },
        ConvShape { kernel: 3, stride: 2, dilation: 1, padding: [1; 4] },
        ConvShape { kernel: 5, stride: 1, dilation: 1, padding: [2; 4] },
        ConvShape { kernel: 5, stride: 2, dilation: 1, padding: [1, 1, 2, 2] },
        ConvShape { kernel: 5, stride: 2, dilation: 1, padding: [2; 4] },
        ConvShape { kernel: 3, stride: 3, dilation: 2, padding: [4, 1, 0, 5] },
    ];

    /// Multiples of a vector, odd ones, and the smallest that every shape has results for.
    const SIZES: [[usize; 2]; 6] = [[32, 64], [17, 35], [5, 2], [2, 40], [64, 16], [3, 3]];

    fn convolved(input: &[f32], size: [usize; 2], kernels: &[f32], bias: &[f32], params: ConvParams<'_>) -> Vec<f32> {
        let count = bias.len() * params.shape.output_size(size).iter().product::<usize>();
        let mut out = vec![f32::NAN; count];
        depthwise_conv(input, size, kernels, bias, params, &mut out);
        out
    }

    #[test]
    fn depthwise_convolutions_match_the_definition() {
        const CHANNELS: usize = 7;
        for (shape, size) in SHAPES.iter().flat_map(|shape| SIZES.map(|size| (*shape, size))) {
            let input = numbers(CHANNELS * size[0] * size[1], 1);
            let (kernels, bias) = (numbers(CHANNELS * shape.kernel * shape.kernel, 2), numbers(CHANNELS, 3));
            let plain = convolution(&input, size, &kernels, &bias, CHANNELS, &shape);
            let residual = numbers(plain.len(), 4);
            for (activation, residual) in [(Activation::None, None), (Activation::HardSwish, Some(&residual[..]))] {
                let epilogue = Epilogue { activation, residual };
                let found = convolved(&input, size, &kernels, &bias, ConvParams { shape, epilogue });
                let difference = max_difference(&found, &with_epilogue(&plain, &epilogue));
                assert!(difference < 1e-5, "{shape:?} {size:?} {activation:?}: {difference}");
            }
        }
    }

    #[test]
    fn a_map_of_one_pixel_reads_only_the_tap_above_it() {
        let kernels: Vec<f32> = (0..25).map(|k| k as f32).collect();
        for shape in [SHAPES[3], SHAPES[5]] {
            let params = ConvParams { shape, epilogue: Epilogue::NONE };
            assert_eq!(convolved(&[2.0], [1, 1], &kernels, &[0.5], params), [2.0 * 12.0 + 0.5]);
        }
    }

    #[test]
    fn the_comparison_notices_padding_on_the_other_side() {
        let (input, kernels, bias) = (numbers(32 * 32, 1), numbers(9, 2), numbers(1, 3));
        let params = ConvParams { shape: SHAPES[1], epilogue: Epilogue::NONE };
        let other = ConvShape { padding: [1, 1, 0, 0], ..SHAPES[1] };
        let found = convolved(&input, [32, 32], &kernels, &bias, params);
        assert!(max_difference(&found, &convolution(&input, [32, 32], &kernels, &bias, 1, &other)) > 1e-2);
    }
}
