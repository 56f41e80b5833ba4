//! The data flow of MediaPipe's selfie segmentation (Google 2021, `selfie_segmentation.tflite`, Apache-2.0).
//!
//! An encoder of inverted residual blocks with squeeze-and-excitation, as in MobileNetV3 (Howard et al. 2019,
//! "Searching for MobileNetV3"), and a decoder that weighs each skip by a gate of its own. `[1, 3, 256, 256]`, RGB in
//! 0..1, to `[1, 1, 256, 256]` in 0..1: how sure it is of a person.

use crate::graph::{Builder, Conv, Graph, Op};

/// An inverted residual block: 1x1 to `wide` channels, depthwise, a gate if it squeezes, 1x1 to `channels_out`.
#[derive(Debug, Clone, Copy)]
pub struct Block {
    pub channels_in: usize,
    pub wide: usize,
    pub channels_out: usize,
    /// Of the depthwise convolution.
    pub kernel: usize,
    pub stride: usize,
    /// Channels of the gate's middle; none has no gate.
    pub squeezed: Option<usize>,
    /// Hard swish, else ReLU.
    pub swish: bool,
}

impl Block {
    /// Its input is added to its output.
    pub const fn residual(&self) -> bool {
        self.stride == 1 && self.channels_in == self.channels_out
    }
}

const fn block(channels: [usize; 3], kernel: usize, stride: usize, squeezed: usize, swish: bool) -> Block {
    let [channels_in, wide, channels_out] = channels;
    let squeezed = if squeezed == 0 { None } else { Some(squeezed) };
    Block { channels_in, wide, channels_out, kernel, stride, squeezed, swish }
}

/// Channels of the stem.
pub const STEM: usize = 16;

pub const BLOCKS: [Block; 8] = [
    block([16, 16, 16], 3, 2, 8, false),
    block([16, 72, 24], 3, 2, 0, false),
    block([24, 88, 24], 3, 1, 0, false),
    block([24, 96, 32], 5, 2, 24, true),
    block([32, 128, 32], 5, 1, 32, true),
    block([32, 128, 32], 5, 1, 32, true),
    block([32, 96, 32], 5, 1, 24, true),
    block([32, 96, 32], 5, 1, 24, true),
];

/// Blocks whose outputs the decoder's levels take up, coarsest first; the last level takes the stem's.
pub const SKIPS: [usize; 2] = [2, 0];

/// Channels of the encoder's end, and of the head behind it.
pub const HEAD: [usize; 2] = [32, 128];

/// Channels of the decoder's levels, coarsest first.
pub const LEVELS: [usize; 3] = [24, 16, 16];

/// The squeezed channels that [`PERSON`] looks at: those of the five gates at the encoder's coarsest size.
pub const SQUEEZED: usize = 96 + 128 + 128 + 96 + 96;

/// Name of the logistic regression on the squeezed channels that tells a person from an animal or a thing. It is no
/// part of the published network: `models/README.md` says how it was fitted.
pub const PERSON: &str = "person";

pub(crate) fn graph() -> Graph {
    let mut graph = Builder::new();
    let stem = graph.same("stem", 0, [3, STEM], 3, 2, 1);
    let stem = graph.step(Op::HardSwish, &[stem]);
    let mut at = stem;
    let mut outputs = Vec::new();
    for (i, block) in BLOCKS.iter().enumerate() {
        at = graph.block(&format!("blocks.{i}"), block, at);
        outputs.push(at);
    }
    let mean = graph.step(Op::GlobalMean, &[at]);
    let features = graph.same("head.features", at, HEAD, 1, 1, 1);
    let gate = graph.same("head.gate", mean, HEAD, 1, 1, 1);
    let features = graph.step(Op::Relu, &[features]);
    let gate = graph.step(Op::Sigmoid, &[gate]);
    at = graph.step(Op::Mul, &[features, gate]);
    let skips = SKIPS.iter().map(|&skip| outputs[skip]).chain([stem]);
    let mut channels = HEAD[1];
    for (i, (skip, to)) in skips.zip(LEVELS).enumerate() {
        at = graph.level(&format!("levels.{i}"), at, skip, [channels, to]);
        channels = to;
    }
    let last = Conv {
        name: "last".into(),
        channels_in: channels,
        channels_out: 4,
        kernel: 1,
        stride: 1,
        dilation: 1,
        groups: 1,
    };
    let last = graph.step(Op::Deconv(last), &[at]);
    let matte = graph.step(Op::Sigmoid, &[last]);
    graph.finish(matte)
}

impl Builder {
    fn same(
        &mut self,
        name: &str,
        input: usize,
        [channels_in, channels_out]: [usize; 2],
        kernel: usize,
        stride: usize,
        groups: usize,
    ) -> usize {
        let conv = Conv { name: name.into(), channels_in, channels_out, kernel, stride, dilation: 1, groups };
        self.step(Op::Conv(conv), &[input])
    }

    fn block(&mut self, name: &str, block: &Block, input: usize) -> usize {
        let Block { channels_in, wide, channels_out, kernel, stride, squeezed, swish } = *block;
        let activation = || if swish { Op::HardSwish } else { Op::Relu };
        let expand = self.same(&format!("{name}.expand"), input, [channels_in, wide], 1, 1, 1);
        let expand = self.step(activation(), &[expand]);
        let spread = self.same(&format!("{name}.spread"), expand, [wide, wide], kernel, stride, wide);
        let mut at = self.step(activation(), &[spread]);
        if let Some(squeezed) = squeezed {
            let mean = self.step(Op::GlobalMean, &[at]);
            let gate = self.gate(&format!("{name}.gate"), mean, wide, squeezed);
            at = self.step(Op::Mul, &[at, gate]);
        }
        let project = self.same(&format!("{name}.project"), at, [wide, channels_out], 1, 1, 1);
        if block.residual() { self.step(Op::Add, &[project, input]) } else { project }
    }

    /// What each of `channels` is worth, by way of `squeezed` of them.
    fn gate(&mut self, name: &str, mean: usize, channels: usize, squeezed: usize) -> usize {
        let at = self.same(&format!("{name}.squeeze"), mean, [channels, squeezed], 1, 1, 1);
        let at = self.step(Op::Relu, &[at]);
        let at = self.same(&format!("{name}.excite"), at, [squeezed, channels], 1, 1, 1);
        self.step(Op::Sigmoid, &[at])
    }

    fn level(&mut self, name: &str, input: usize, skip: usize, [channels_in, channels]: [usize; 2]) -> usize {
        let up = self.step(Op::Resize, &[input]);
        let up = self.same(&format!("{name}.up"), up, [channels_in, channels], 1, 1, 1);
        let both = self.step(Op::Add, &[skip, up]);
        let mean = self.step(Op::GlobalMean, &[both]);
        let gate = self.gate(&format!("{name}.gate"), mean, channels, channels);
        let gated = self.step(Op::Mul, &[skip, gate]);
        let joined = self.step(Op::Add, &[gated, up]);
        let mix = self.same(&format!("{name}.mix"), joined, [channels; 2], 1, 1, 1);
        let mix = self.step(Op::Relu, &[mix]);
        let spread = self.same(&format!("{name}.spread"), mix, [channels; 2], 3, 1, channels);
        let spread = self.step(Op::Relu, &[spread]);
        self.step(Op::Add, &[mix, spread])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_person_is_told_by_the_gates_of_the_coarsest_blocks() {
        let coarse = BLOCKS.iter().skip_while(|block| !block.swish);
        assert_eq!(coarse.map(|block| block.wide).sum::<usize>(), SQUEEZED);
    }
}
