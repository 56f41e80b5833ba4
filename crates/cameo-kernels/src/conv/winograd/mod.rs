//! 3x3 convolutions by Winograd's F(4x4, 3x3) (Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural
//! Networks"): 36 multiplications for 16 results of a channel instead of 144.
//!
//! The input transform turns 6x6 values into 36 points, a matrix product for each point combines the channels, and the
//! output transform turns 36 products into 4x4 results. Sixteen tiles lie beside each other as the lanes of vectors, so
//! all steps run over whole vectors, at whatever width the processor has.

mod blocked;
mod rows;
mod scratch;
mod tiles;
mod transform;
mod two_pass;
mod weights;

use crate::conv::params::{ConvInput, Epilogue};
use tiles::TileGrid;

pub use scratch::Workspace;
pub use weights::{ConvWeights, TransformedWeights};

/// Fewer tiles would make too few groups to share among threads.
const MIN_BLOCKED_TILES: usize = 300;

/// Convolves `input` into `out`, of the same height and width, with 3x3 kernels. The input is padded with
/// `dilation` zeros on each side.
pub fn conv3x3(
    input: &ConvInput<'_>,
    weights: &ConvWeights<'_>,
    dilation: usize,
    epilogue: Epilogue<'_, [f32]>,
    workspace: &mut Workspace,
    out: &mut [f32],
) {
    debug_assert!(weights.is_consistent(), "the transformed weights belong to another convolution");
    let planes = input.planes();
    let grid = TileGrid::new([input.height, input.width], dilation);
    if dilation == 1 && grid.tiles() >= MIN_BLOCKED_TILES {
        blocked::conv3x3(&planes, grid, weights, epilogue, workspace, out);
    } else {
        two_pass::conv3x3(&planes, grid, weights, epilogue, workspace, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conv::params::{Activation, ConvShape};
    use crate::conv::reference::{convolution, max_difference, numbers, with_epilogue};

    /// Channels of each input map, channels of the output, height, width and dilation.
    type Case = (&'static [usize], usize, usize, usize, usize);

    const CASES: [Case; 17] = [
        (&[3, 4], 7, 131, 140, 1),
        (&[3], 4, 70, 83, 1),
        (&[2], 3, 3, 1700, 1),
        (&[6], 6, 64, 300, 1),
        (&[2], 13, 1100, 67, 1),
        (&[5, 1], 8, 33, 35, 1),
        (&[4], 5, 1, 1, 1),
        (&[4], 2, 1, 200, 1),
        (&[4], 1, 1, 200, 1),
        (&[3, 2], 1, 19, 33, 1),
        (&[2], 1, 1, 1, 1),
        (&[2], 1, 5, 4, 2),
        (&[3], 2, 200, 1, 1),
        (&[4, 4], 9, 32, 32, 2),
        (&[7], 6, 16, 16, 8),
        (&[3], 4, 13, 5, 8),
        // Tiles that no cache holds: several blocks are computed together, and the last ones are fewer.
        (&[512], 26, 64, 64, 1),
    ];

    #[test]
    fn winograd_convolutions_match_the_definition() {
        let mut workspace = Workspace::default();
        for case in CASES {
            let (map_channels, channels_out, height, width, dilation) = case;
            let channels: usize = map_channels.iter().sum();
            let input = numbers(channels * height * width, 1);
            let (kernel, bias) = (numbers(9 * channels * channels_out, 2), numbers(channels_out, 3));
            let mut rest = &input[..];
            let split = |count: &usize| rest.split_off(..count * height * width).expect("the maps are the input");
            let maps: Vec<&[f32]> = map_channels.iter().map(split).collect();
            let input_maps = ConvInput { maps: &maps, height, width };
            let plain = ConvWeights { kernel: &kernel, bias: &bias, transformed: None };
            let transformed = TransformedWeights::new(&kernel, channels_out);
            let transformed = ConvWeights { transformed: Some(&transformed), ..plain };
            let shape = ConvShape { kernel: 3, stride: 1, dilation, padding: [dilation; 4] };
            let plain_results = convolution(&input, [height, width], &kernel, &bias, 1, &shape);
            let residual = numbers(plain_results.len(), 4);
            for (activation, residual) in [
                (Activation::None, None),
                (Activation::Relu, None),
                (Activation::Relu, Some(&residual[..])),
                (Activation::HardSwish, Some(&residual[..])),
            ] {
                let epilogue = Epilogue { activation, residual };
                let mut run = |weights: &ConvWeights<'_>| {
                    let mut out = vec![f32::NAN; plain_results.len()];
                    conv3x3(&input_maps, weights, dilation, epilogue, &mut workspace, &mut out);
                    out
                };
                let out = run(&plain);
                let difference = max_difference(&out, &with_epilogue(&plain_results, &epilogue));
                // Rounding errors add up over the channels.
                assert!(difference < 2e-5f32.max(channels as f32 * 1e-6), "{case:?} {activation:?}: {difference}");
                assert_eq!(run(&transformed), out, "{case:?}: weights that were transformed in advance");
            }
        }
    }
}
