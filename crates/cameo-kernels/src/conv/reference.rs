//! Convolution by its definition, which the tests compare with.

use crate::conv::{Activation, ConvShape, Epilogue};

/// The convolution of `input`, `[channels_in, height, width]`, in `groups`, summed in f64. `kernel` is
/// `[channels_out, channels_in / groups, side, side]`.
pub fn convolution(
    input: &[f32],
    [height, width]: [usize; 2],
    kernel: &[f32],
    bias: &[f32],
    groups: usize,
    shape: &ConvShape,
) -> Vec<f32> {
    let side = shape.kernel;
    let [top, left, ..] = shape.padding;
    let [out_height, out_width] = shape.output_size([height, width]);
    let group_in = input.len() / (height * width) / groups;
    let group_out = bias.len() / groups;
    let mut out = Vec::new();
    for (o, kernel) in kernel.chunks_exact(group_in * side * side).enumerate() {
        for y in 0..out_height {
            for x in 0..out_width {
                let tap = |(k, weight): (usize, &f32)| {
                    let (c, ky, kx) = (o / group_out * group_in + k / (side * side), k / side % side, k % side);
                    let row = (y * shape.stride + ky * shape.dilation).checked_sub(top).filter(|&row| row < height);
                    let column =
                        (x * shape.stride + kx * shape.dilation).checked_sub(left).filter(|&column| column < width);
                    let value = row.zip(column).map(|(row, column)| input[(c * height + row) * width + column]);
                    f64::from(*weight) * f64::from(value.unwrap_or(0.0))
                };
                out.push(kernel.iter().enumerate().map(tap).sum::<f64>() as f32 + bias[o]);
            }
        }
    }
    out
}

/// The results `values` after the epilogue.
pub fn with_epilogue(values: &[f32], epilogue: &Epilogue<'_, [f32]>) -> Vec<f32> {
    let residual = |i: usize| epilogue.residual.map_or(0.0, |residual| residual[i]);
    values.iter().enumerate().map(|(i, value)| activated(*value, epilogue.activation) + residual(i)).collect()
}

fn activated(x: f32, activation: Activation) -> f32 {
    match activation {
        Activation::None => x,
        Activation::Relu => x.max(0.0),
        Activation::HardSwish if x <= -3.0 => 0.0,
        Activation::HardSwish if x >= 3.0 => x,
        Activation::HardSwish => x * (x + 3.0) / 6.0,
        Activation::Sigmoid => 1.0 / (1.0 + (-x).exp()),
    }
}

/// Numbers from -0.5 to 0.5 without order, the same for the same seed.
pub fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|i| (((i + seed) * 7919) % 1009) as f32 / 1009.0 - 0.5).collect()
}

/// The largest difference; infinite if one is not a number.
pub fn max_difference(found: &[f32], want: &[f32]) -> f32 {
    assert_eq!(found.len(), want.len());
    let differences = found.iter().zip(want).map(|(found, want)| (found - want).abs());
    differences.fold(0.0, |max, difference| if difference.is_nan() { f32::INFINITY } else { max.max(difference) })
}
