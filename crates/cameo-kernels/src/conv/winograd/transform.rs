//! The transforms of Winograd's F(4x4, 3x3), of sixteen tiles beside each other.

use std::array::from_fn;

use crate::conv::gemm::{LANES, Lanes};
use crate::conv::params::Activation;

/// Points of a transformed tile, 6x6.
pub const POINTS: usize = 36;

/// What is applied to the results of one output channel.
#[derive(Clone, Copy)]
pub struct ChannelEpilogue {
    pub bias: f32,
    pub activation: Activation,
}

/// Transforms a row or a column of tiles of the input.
#[inline(always)]
pub fn transform_input_line(line: [Lanes; 6]) -> [Lanes; 6] {
    let mut points = [[0.0; LANES]; 6];
    for n in 0..LANES {
        let [a, b, c, d, e, f]: [f32; 6] = from_fn(|i| line[i][n]);
        let (even, odd) = (e - 4.0 * c, d - 4.0 * b);
        let (even2, odd2) = (e - c, 2.0 * (d - b));
        points[0][n] = 4.0 * a - 5.0 * c + e;
        points[1][n] = even + odd;
        points[2][n] = even - odd;
        points[3][n] = even2 + odd2;
        points[4][n] = even2 - odd2;
        points[5][n] = 4.0 * b - 5.0 * d + f;
    }
    points
}

/// Transforms the products `tile(0)` to `tile(35)` of an output channel to its 4x4 results.
#[inline(always)]
pub fn transform_output<'a>(tile: impl Fn(usize) -> &'a Lanes, epilogue: ChannelEpilogue) -> [Lanes; 16] {
    let mut half = [[0.0; LANES]; 24];
    for j in 0..6 {
        let column: [&Lanes; 6] = from_fn(|i| tile(i * 6 + j));
        for n in 0..LANES {
            let [p, q, r, s] = transform_output_line(column.map(|lanes| lanes[n]));
            half[j][n] = p;
            half[6 + j][n] = q;
            half[12 + j][n] = r;
            half[18 + j][n] = s;
        }
    }
    let mut results = [[0.0; LANES]; 16];
    let min = if epilogue.activation == Activation::Relu { 0.0 } else { f32::NEG_INFINITY };
    for i in 0..4 {
        for n in 0..LANES {
            let line = transform_output_line(from_fn(|j| half[i * 6 + j][n]));
            for j in 0..4 {
                results[i * 4 + j][n] = (line[j] + epilogue.bias).max(min);
            }
        }
    }
    if let Activation::HardSwish | Activation::Sigmoid = epilogue.activation {
        epilogue.activation.apply(results.as_flattened_mut());
    }
    results
}

#[inline(always)]
fn transform_output_line([a, b, c, d, e, f]: [f32; 6]) -> [f32; 4] {
    let (p, q, u, v) = (b + c, b - c, d + e, d - e);
    [a + p + u, q + 2.0 * v, p + 4.0 * u, q + 8.0 * v + f]
}
