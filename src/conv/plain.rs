//! What else stands between the convolutions: sums, sigmoids, and the convolution of stride 2 that a network begins with.

use std::array::from_fn;

use multiversion::multiversion;
use multiversion::target::selected_target;
use rayon::prelude::*;

use crate::kernel::fuses;
use crate::transform::{LANES, Lanes};

/// Values that one thread takes at a time: enough to be worth it.
const CHUNK: usize = 1 << 15;

/// Channels of the result that share what is read of the picture.
const BLOCK: usize = 4;

/// Adds `other` to `values`, one by one.
///
/// # Panics
/// If there are not as many of both.
pub fn sum(values: &mut [f32], other: &[f32]) {
    assert_eq!(values.len(), other.len(), "as many values on both sides");
    values.par_chunks_mut(CHUNK).zip(other.par_chunks(CHUNK)).for_each(|(values, other)| {
        values.iter_mut().zip(other).for_each(|(value, other)| *value += other);
    });
}

/// `1 / (1 + exp(-x))` of each of `values`.
pub fn sigmoid(values: &mut [f32]) {
    values.par_chunks_mut(CHUNK).for_each(|values| {
        values.iter_mut().for_each(|value| *value = 1.0 / (1.0 + (-*value).exp()));
    });
}

/// A 3x3 convolution of stride 2 with one row and column of zeros around `stack`, `[channels_in, height, width]`.
///
/// `weights` are `[channels_out, channels_in, 3, 3]`, `bias` is one for each channel of the result; `out` is
/// `[channels_out, height / 2, width / 2]`, halves rounded up.
///
/// # Panics
/// If the lengths do not fit each other.
pub fn conv3x3_halving(stack: &[f32], [height, width]: [usize; 2], weights: &[f32], bias: &[f32], out: &mut [f32]) {
    let channels_in = stack.len() / (height * width);
    let half = [height.div_ceil(2), width.div_ceil(2)];
    assert_eq!(stack.len(), channels_in * height * width, "whole planes");
    assert_eq!(weights.len(), bias.len() * channels_in * 9, "nine weights for each pair of channels");
    assert_eq!(out.len(), bias.len() * half[0] * half[1], "a quarter of a plane for each channel");
    let stride = half[1].next_multiple_of(LANES) + LANES;
    // Of each row its odd columns, after the zero that stands before the first, then its even ones.
    let mut split = vec![0.0; channels_in * height * 2 * stride];
    split.par_chunks_exact_mut(2 * stride).zip(stack.par_chunks_exact(width)).for_each(|(split, row)| {
        let (odd, even) = split.split_at_mut(stride);
        even.iter_mut().zip(row.iter().step_by(2)).for_each(|(to, from)| *to = *from);
        odd[1..].iter_mut().zip(row.iter().skip(1).step_by(2)).for_each(|(to, from)| *to = *from);
    });
    let picture = Split { rows: &split, height, channels_in, stride };
    let blocks = out.par_chunks_mut(BLOCK * half[0] * half[1]);
    blocks
        .zip(weights.par_chunks(BLOCK * channels_in * 9))
        .zip(bias.par_chunks(BLOCK))
        .for_each(|((out, weights), bias)| run(Block { picture, weights, bias, half, out }));
}

/// The picture's rows, each split into its odd and its even columns.
#[derive(Clone, Copy)]
struct Split<'a> {
    rows: &'a [f32],
    height: usize,
    channels_in: usize,
    stride: usize,
}

struct Block<'a> {
    picture: Split<'a>,
    weights: &'a [f32],
    bias: &'a [f32],
    half: [usize; 2],
    out: &'a mut [f32],
}

#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn run<'a>(block: Block<'a>) {
    const FMA: bool = fuses(&selected_target!());
    block.run::<FMA>()
}

impl Block<'_> {
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let [down, across] = self.half;
        // A block at the end may have fewer channels; the first takes the place of those it lacks.
        let channel = |o: usize| if o < self.bias.len() { o } else { 0 };
        let each = 9 * self.picture.channels_in;
        let weights: [&[[f32; 9]]; BLOCK] = from_fn(|o| self.weights[channel(o) * each..][..each].as_chunks().0);
        for y in 0..down {
            for from in (0..across).step_by(LANES) {
                let mut sums: [Lanes; BLOCK] = from_fn(|o| [self.bias[channel(o)]; LANES]);
                for c in 0..self.picture.channels_in {
                    let weights = weights.map(|weights| &weights[c]);
                    for i in 0..3 {
                        if let Some(seen) = self.picture.three(c, (2 * y + i).wrapping_sub(1), from) {
                            add::<FMA>(&mut sums, &seen, weights.map(|weights| [0, 1, 2].map(|j| weights[3 * i + j])));
                        }
                    }
                }
                let count = (across - from).min(LANES);
                for (plane, sums) in self.out.chunks_exact_mut(down * across).zip(&sums) {
                    plane[y * across + from..][..count].copy_from_slice(&sums[..count]);
                }
            }
        }
    }
}

impl Split<'_> {
    /// What the three columns of a kernel see of row `y` for results from `from` on; nothing outside the picture.
    #[inline(always)]
    fn three(&self, channel: usize, y: usize, from: usize) -> Option<[Lanes; 3]> {
        if y >= self.height {
            return None;
        }
        let row = &self.rows[(channel * self.height + y) * 2 * self.stride..][..2 * self.stride];
        let at = |i: usize| row[i..].first_chunk().copied();
        Some([at(from)?, at(self.stride + from)?, at(from + 1)?])
    }
}

#[inline(always)]
fn add<const FMA: bool>(sums: &mut [Lanes; BLOCK], seen: &[Lanes; 3], weights: [[f32; 3]; BLOCK]) {
    for o in 0..BLOCK {
        for j in 0..3 {
            for l in 0..LANES {
                let (weight, value) = (weights[o][j], seen[j][l]);
                sums[o][l] = if FMA { weight.mul_add(value, sums[o][l]) } else { weight * value + sums[o][l] };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 7919 + seed * 104_729) % 2003) as f32 / 1001.5 - 1.0).collect()
    }

    #[test]
    fn a_convolution_of_stride_2_is_that_of_the_definition() {
        for (ic, oc, height, width) in [(3, 5, 9, 37), (3, 4, 8, 32), (1, 1, 1, 1), (2, 9, 2, 3), (3, 6, 33, 66)] {
            let (stack, weights, bias) = (numbers(ic * height * width, 1), numbers(oc * ic * 9, 2), numbers(oc, 3));
            let (down, across) = (height.div_ceil(2), width.div_ceil(2));
            let mut out = vec![f32::NAN; oc * down * across];
            conv3x3_halving(&stack, [height, width], &weights, &bias, &mut out);
            for (at, found) in out.iter().enumerate() {
                let (o, y, x) = (at / (down * across), at / across % down, at % across);
                let mut want = bias[o] as f64;
                for k in 0..ic * 9 {
                    let (c, v, u) = (k / 9, (2 * y + k / 3 % 3).wrapping_sub(1), (2 * x + k % 3).wrapping_sub(1));
                    if v < height && u < width {
                        want += weights[o * ic * 9 + k] as f64 * stack[(c * height + v) * width + u] as f64;
                    }
                }
                assert!((*found as f64 - want).abs() < 1e-5, "{ic} {oc} {height}x{width} {at}: {found} is not {want}");
            }
        }
    }

    #[test]
    fn sums_and_sigmoids_are_those_of_each_value() {
        let (mut values, other) = (numbers(100_003, 1), numbers(100_003, 2));
        let before = values.clone();
        sum(&mut values, &other);
        assert!(values.iter().zip(before.iter().zip(&other)).all(|(found, (a, b))| *found == a + b));
        sigmoid(&mut values);
        assert!(values.iter().zip(before.iter().zip(&other)).all(|(found, (a, b))| {
            let want = 1.0 / (1.0 + (-f64::from(a + b)).exp());
            (f64::from(*found) - want).abs() < 1e-6
        }));
        let mut ends = [-1000.0, 1000.0, 0.0];
        sigmoid(&mut ends);
        assert_eq!(ends, [0.0, 1.0, 0.5]);
    }
}
