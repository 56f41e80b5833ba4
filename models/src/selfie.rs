//! The graph of MediaPipe's selfie segmentation (Google 2021, `selfie_segmentation.tflite`, Apache-2.0), the network
//! that finds people.
//!
//! The encoder consists of inverted residual blocks with squeeze-and-excitation, as in MobileNetV3 (Howard et al. 2019,
//! "Searching for MobileNetV3"); the decoder weighs each skip connection by a gate. The input is `[1, 3, 256, 256]`,
//! RGB in 0..1; the output is `[1, 1, 256, 256]`, the probability that a pixel shows a person.

use crate::graph::{ConvLayer, GraphBuilder, GraphOp, NetworkGraph};

/// The shape of an inverted residual block: a 1x1 convolution to `channels_expanded`, a depthwise convolution, a gate
/// if the block squeezes, and a 1x1 convolution to `channels_out`.
#[derive(Debug, Clone, Copy)]
pub struct SelfieBlock {
    pub channels_in: usize,
    pub channels_expanded: usize,
    pub channels_out: usize,
    /// Kernel side of the depthwise convolution.
    pub kernel: usize,
    /// Stride of the depthwise convolution.
    pub stride: usize,
    /// Channels between the gate's two convolutions; `None` if the block has no gate.
    pub channels_squeezed: Option<usize>,
    /// True for hard swish, false for ReLU.
    pub swish: bool,
}

impl SelfieBlock {
    /// Returns true if the block adds its input to its output.
    pub const fn is_residual(&self) -> bool {
        self.stride == 1 && self.channels_in == self.channels_out
    }
}

/// Channels of the stem's output.
pub const STEM_CHANNELS: usize = 16;

/// The encoder's blocks.
pub const BLOCKS: [SelfieBlock; 8] = [
    relu_block([16, 16, 16], 2, Some(8)),
    relu_block([16, 72, 24], 2, None),
    relu_block([24, 88, 24], 1, None),
    swish_block([24, 96, 32], 2, 24),
    swish_block([32, 128, 32], 1, 32),
    swish_block([32, 128, 32], 1, 32),
    swish_block([32, 96, 32], 1, 24),
    swish_block([32, 96, 32], 1, 24),
];

/// A 3x3 block with ReLU; `channels` are those at its input, after expansion, and at its output.
const fn relu_block(channels: [usize; 3], stride: usize, channels_squeezed: Option<usize>) -> SelfieBlock {
    let [channels_in, channels_expanded, channels_out] = channels;
    SelfieBlock { channels_in, channels_expanded, channels_out, kernel: 3, stride, channels_squeezed, swish: false }
}

/// A 5x5 block with hard swish and a gate; `channels` as in [`relu_block`].
const fn swish_block(channels: [usize; 3], stride: usize, channels_squeezed: usize) -> SelfieBlock {
    let [channels_in, channels_expanded, channels_out] = channels;
    let channels_squeezed = Some(channels_squeezed);
    SelfieBlock { channels_in, channels_expanded, channels_out, kernel: 5, stride, channels_squeezed, swish: true }
}

/// Indices of the blocks whose outputs the decoder's levels read, coarsest first; the last level reads the stem's
/// output.
pub const SKIP_BLOCKS: [usize; 2] = [2, 0];

/// Channels at the encoder's end.
pub const ENCODER_CHANNELS: usize = 32;

/// Channels of the head between encoder and decoder.
pub const HEAD_CHANNELS: usize = 128;

/// Channels of the decoder's levels, coarsest first.
pub const LEVEL_CHANNELS: [usize; 3] = [24, 16, 16];

/// Number of features that [`PERSON_CLASSIFIER`] reads: the channel means at the gates of the five blocks with hard
/// swish.
pub const PERSON_FEATURES: usize = 96 + 128 + 128 + 96 + 96;

/// Name of the logistic regression on the channel means that tells people from animals and things. It is not part of
/// the published network: `models/README.md` says how it was fitted.
pub const PERSON_CLASSIFIER: &str = "person";

pub(crate) fn graph() -> NetworkGraph {
    let mut graph = GraphBuilder::new();
    let stem = ConvLayer { stride: 2, ..ConvLayer::new("stem", 3, STEM_CHANNELS, 3) };
    let stem = graph.conv(stem, GraphBuilder::INPUT);
    let stem = graph.push(GraphOp::HardSwish, &[stem]);
    let mut x = stem;
    let mut outputs = Vec::new();
    for (i, block) in BLOCKS.iter().enumerate() {
        x = graph.block(&format!("blocks.{i}"), block, x);
        outputs.push(x);
    }
    x = graph.head(x);
    let skips = SKIP_BLOCKS.iter().map(|&skip| outputs[skip]).chain([stem]);
    let mut channels = HEAD_CHANNELS;
    for (i, (skip, level_channels)) in skips.zip(LEVEL_CHANNELS).enumerate() {
        let up = ConvLayer::new(format!("levels.{i}.up"), channels, level_channels, 1);
        x = graph.level(&format!("levels.{i}"), up, x, skip);
        channels = level_channels;
    }
    let last = graph.push(GraphOp::Deconv(ConvLayer::new("last", channels, 4, 1)), &[x]);
    let matte = graph.push(GraphOp::Sigmoid, &[last]);
    graph.finish(matte)
}

impl GraphBuilder {
    fn depthwise(&mut self, name: String, channels: usize, kernel: usize, stride: usize, input: usize) -> usize {
        let conv = ConvLayer { stride, groups: channels, ..ConvLayer::new(name, channels, channels, kernel) };
        self.conv(conv, input)
    }

    fn block(&mut self, name: &str, block: &SelfieBlock, input: usize) -> usize {
        let expanded = block.channels_expanded;
        let activation = || if block.swish { GraphOp::HardSwish } else { GraphOp::Relu };
        let x = self.conv(ConvLayer::new(format!("{name}.expand"), block.channels_in, expanded, 1), input);
        let x = self.push(activation(), &[x]);
        let x = self.depthwise(format!("{name}.spread"), expanded, block.kernel, block.stride, x);
        let mut x = self.push(activation(), &[x]);
        if let Some(squeezed) = block.channels_squeezed {
            let mean = self.push(GraphOp::GlobalMean, &[x]);
            let gate = self.gate(&format!("{name}.gate"), mean, expanded, squeezed);
            x = self.push(GraphOp::Mul, &[x, gate]);
        }
        let project = self.conv(ConvLayer::new(format!("{name}.project"), expanded, block.channels_out, 1), x);
        if block.is_residual() { self.push(GraphOp::Add, &[project, input]) } else { project }
    }

    /// Appends the squeeze-and-excitation that computes a weight in 0..1 for each of `channels` from their means.
    fn gate(&mut self, name: &str, mean: usize, channels: usize, squeezed: usize) -> usize {
        let x = self.conv(ConvLayer::new(format!("{name}.squeeze"), channels, squeezed, 1), mean);
        let x = self.push(GraphOp::Relu, &[x]);
        let x = self.conv(ConvLayer::new(format!("{name}.excite"), squeezed, channels, 1), x);
        self.push(GraphOp::Sigmoid, &[x])
    }

    fn head(&mut self, input: usize) -> usize {
        let mean = self.push(GraphOp::GlobalMean, &[input]);
        let conv = |part: &str| ConvLayer::new(format!("head.{part}"), ENCODER_CHANNELS, HEAD_CHANNELS, 1);
        let features = self.conv(conv("features"), input);
        let gate = self.conv(conv("gate"), mean);
        let features = self.push(GraphOp::Relu, &[features]);
        let gate = self.push(GraphOp::Sigmoid, &[gate]);
        self.push(GraphOp::Mul, &[features, gate])
    }

    /// Appends a level of the decoder: `up` is the convolution from the level below.
    fn level(&mut self, name: &str, up: ConvLayer, input: usize, skip: usize) -> usize {
        let channels = up.channels_out;
        let resized = self.push(GraphOp::Resize, &[input]);
        let up = self.conv(up, resized);
        let both = self.push(GraphOp::Add, &[skip, up]);
        let mean = self.push(GraphOp::GlobalMean, &[both]);
        let gate = self.gate(&format!("{name}.gate"), mean, channels, channels);
        let gated = self.push(GraphOp::Mul, &[skip, gate]);
        let joined = self.push(GraphOp::Add, &[gated, up]);
        let mix = self.conv(ConvLayer::new(format!("{name}.mix"), channels, channels, 1), joined);
        let mix = self.push(GraphOp::Relu, &[mix]);
        let spread = self.depthwise(format!("{name}.spread"), channels, 3, 1, mix);
        let spread = self.push(GraphOp::Relu, &[spread]);
        self.push(GraphOp::Add, &[mix, spread])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_person_classifier_reads_the_gates_of_the_coarsest_blocks() {
        let coarse = BLOCKS.iter().skip_while(|block| !block.swish);
        assert_eq!(coarse.map(|block| block.channels_expanded).sum::<usize>(), PERSON_FEATURES);
    }
}
