//! 3x3 convolutions on the CPU by Winograd's F(4x4, 3x3) (Lavin and Gray 2016, "Fast Algorithms for Convolutional
//! Neural Networks"): 36 multiplications for 16 results of a channel instead of 144.
//!
//! The picture is cut into tiles of 4x4 results. Sixteen tiles make a chunk, whose values lie side by side as lanes of
//! the processor's vectors: transforms and products run over whole lanes, at whatever width the processor has.
//!
//! A dilated convolution is one on each of the pictures of every so many-th row and column.

use crate::kernel::Kernel;
use crate::scratch::Workspace;
use crate::{rows, single, whole};

/// What is convolved: channels one after another, of one or of several tensors, each `[_, height, width]`.
pub struct Input<'a> {
    pub parts: &'a [&'a [f32]],
    pub height: usize,
    pub width: usize,
}

impl Input<'_> {
    pub(crate) fn planes(&self) -> Vec<&[f32]> {
        self.parts.iter().flat_map(|part| part.chunks_exact(self.height * self.width)).collect()
    }
}

/// How it is convolved, and what becomes of the results.
#[derive(Clone, Copy)]
pub struct Manner<'a> {
    pub dilation: usize,
    pub relu: bool,
    /// Added after that: as many numbers as there are results.
    pub plus: Option<&'a [f32]>,
}

/// The convolution of `input` with `kernel`, which keeps the size, into `out`, `[channels_out, height, width]`. What
/// `workspace` holds before and after means nothing.
pub fn conv3x3(input: &Input<'_>, kernel: &Kernel<'_>, manner: Manner<'_>, workspace: &mut Workspace, out: &mut [f32]) {
    if let ([bias], 1) = (kernel.bias, manner.dilation) {
        return single::convolve(input, kernel.weights, *bias, manner, out);
    }
    debug_assert!(kernel.transformed.is_none_or(|kept| kept.is_of(kernel)), "another kernel's transformed weights");
    let planes = input.planes();
    let Input { height, width, .. } = *input;
    // Enough tiles for each thread to have several groups of them.
    if manner.dilation == 1 && width.div_ceil(4) * height.div_ceil(4) >= 300 {
        rows::convolve(&planes, [height, width], kernel, manner, workspace, out);
    } else {
        whole::convolve(&planes, [height, width], kernel, manner, workspace, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Transformed;
    use crate::definition::{Steps, convolution, numbers};

    /// The convolution as it is defined, and what becomes of it.
    fn plainly(x: &[f32], size: [usize; 2], weights: &[f32], bias: &[f32], manner: Manner<'_>) -> Vec<f32> {
        let mut out = convolution(x, size, weights, bias, Steps { stride: 1, dilation: manner.dilation });
        for (i, value) in out.iter_mut().enumerate() {
            *value = if manner.relu { value.max(0.0) } else { *value };
            *value += manner.plus.map_or(0.0, |plus| plus[i]);
        }
        out
    }

    #[test]
    fn a_convolution_is_what_it_is_defined_as() {
        let mut workspace = Workspace::default();
        for (parts, out, height, width, dilation) in [
            (vec![3, 4], 7, 131, 140, 1),
            (vec![3], 4, 70, 83, 1),
            (vec![2], 3, 3, 1700, 1),
            (vec![6], 6, 64, 300, 1),
            (vec![2], 13, 1100, 67, 1),
            (vec![5, 1], 8, 33, 35, 1),
            (vec![4], 5, 1, 1, 1),
            (vec![4], 2, 1, 200, 1),
            (vec![4], 1, 1, 200, 1),
            (vec![3, 2], 1, 19, 33, 1),
            (vec![2], 1, 1, 1, 1),
            (vec![2], 1, 5, 4, 2),
            (vec![3], 2, 200, 1, 1),
            (vec![4, 4], 9, 32, 32, 2),
            (vec![7], 6, 16, 16, 8),
            (vec![3], 4, 13, 5, 8),
            // Too much for the cache: several blocks together, the last ones fewer.
            (vec![512], 26, 64, 64, 1),
        ] {
            let channels: usize = parts.iter().sum();
            let x = numbers(channels * height * width, 1);
            let (weights, bias) = (numbers(9 * channels * out, 2), numbers(out, 3));
            let mut rest = &x[..];
            let split: Vec<&[f32]> = parts
                .iter()
                .map(|count| rest.split_off(..count * height * width).expect("as many as there are"))
                .collect();
            let plain = Kernel { weights: &weights, bias: &bias, transformed: None };
            let transformed = Transformed::new(&weights, out);
            let added = numbers(out * height * width, 4);
            for (relu, plus) in [(true, None), (false, None), (true, Some(&added[..]))] {
                let manner = Manner { dilation, relu, plus };
                let mut found = vec![f32::NAN; out * height * width];
                let input = Input { parts: &split, height, width };
                conv3x3(&input, &plain, manner, &mut workspace, &mut found);
                let want = plainly(&x, [height, width], &weights, &bias, manner);
                let off = found.iter().zip(&want).map(|(found, want)| (found - want).abs()).fold(0.0, f32::max);
                // Rounding adds up over the channels.
                let allowed = 2e-5f32.max(channels as f32 * 1e-6);
                assert!(off < allowed, "{parts:?} {out} {height}x{width} {dilation}: {off}");
                assert!(found.iter().all(|value| !value.is_nan()));
                let mut again = vec![f32::NAN; found.len()];
                let kept = Kernel { transformed: Some(&transformed), ..plain };
                conv3x3(&input, &kept, manner, &mut workspace, &mut again);
                assert_eq!(found, again, "{parts:?} {out} {height}x{width} {dilation}: weights that were kept");
            }
        }
    }
}
