//! MediaPipe's selfie segmentation (Google 2021): finds people at 256x256, at under one percent of IS-Net's cost.
//!
//! Inverted residual blocks with squeeze-and-excitation, as in MobileNetV3 (Howard et al. 2019), and a decoder that
//! weighs each skip by a gate of its own. Beside the published network stands a logistic regression of ours on the
//! squeezed channels, which tells people from animals and things: the network itself takes most animals for people.

use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::activation::{hard_swish, relu, sigmoid};
use burn::tensor::{Device, Tensor};
use cameo_models::selfie::{BLOCKS, Block, HEAD, LEVELS, SKIPS, SQUEEZED, STEM};

use super::ops::resize_to;

/// A convolution of single pixels.
///
/// Its dilation means nothing to one pixel, and keeps burn's wgpu backend from its way for such convolutions: a matrix
/// product with a score of variants, which it compiles and times at first use (on lavapipe, for more than ten minutes).
fn conv1x1(channels: [usize; 2], device: &Device) -> Conv2d {
    Conv2dConfig::new(channels, [1, 1]).with_dilation([2, 2]).init(device)
}

/// A convolution whose picture is padded as TensorFlow's `SAME`: with an even size and stride 2, more at the end.
fn same(channels: [usize; 2], kernel: usize, stride: usize, groups: usize, device: &Device) -> Conv2d {
    let (before, after) = ((kernel - stride) / 2, (kernel - stride).div_ceil(2));
    Conv2dConfig::new(channels, [kernel, kernel])
        .with_stride([stride, stride])
        .with_groups(groups)
        .with_padding(PaddingConfig2d::Explicit(before, before, after, after))
        .init(device)
}

/// The mean of each channel, `[1, channels, 1, 1]`.
fn global_mean(x: Tensor<4>) -> Tensor<4> {
    x.mean_dim(3).mean_dim(2)
}

/// What each channel is worth, 0 to 1, from the means of all.
#[derive(Module, Debug)]
struct Gate {
    squeeze: Conv2d,
    excite: Conv2d,
}

impl Gate {
    fn new(channels: usize, squeezed: usize, device: &Device) -> Self {
        Self { squeeze: conv1x1([channels, squeezed], device), excite: conv1x1([squeezed, channels], device) }
    }

    fn forward(&self, means: Tensor<4>) -> Tensor<4> {
        sigmoid(self.excite.forward(relu(self.squeeze.forward(means))))
    }
}

#[derive(Module, Debug)]
struct Residual {
    expand: Conv2d,
    spread: Conv2d,
    gate: Option<Gate>,
    project: Conv2d,
    #[module(skip)]
    swish: bool,
    #[module(skip)]
    residual: bool,
}

impl Residual {
    fn new(block: &Block, device: &Device) -> Self {
        let Block { channels_in, wide, channels_out, kernel, stride, squeezed, swish } = *block;
        Self {
            expand: conv1x1([channels_in, wide], device),
            spread: same([wide, wide], kernel, stride, wide, device),
            gate: squeezed.map(|squeezed| Gate::new(wide, squeezed, device)),
            project: conv1x1([wide, channels_out], device),
            swish,
            residual: block.residual(),
        }
    }

    /// The block's output, and the means its gate looked at.
    fn forward(&self, input: Tensor<4>) -> (Tensor<4>, Option<Tensor<4>>) {
        let activation = if self.swish { hard_swish::<4> } else { relu::<4> };
        let x = activation(self.spread.forward(activation(self.expand.forward(input.clone()))));
        let means = self.gate.as_ref().map(|_| global_mean(x.clone()));
        let x = match (&self.gate, &means) {
            (Some(gate), Some(means)) => x * gate.forward(means.clone()),
            _ => x,
        };
        let x = self.project.forward(x);
        (if self.residual { x + input } else { x }, means)
    }
}

#[derive(Module, Debug)]
struct Head {
    features: Conv2d,
    gate: Conv2d,
}

impl Head {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let gate = sigmoid(self.gate.forward(global_mean(x.clone())));
        relu(self.features.forward(x)) * gate
    }
}

/// A decoder's level: twice the size, joined with a skip.
#[derive(Module, Debug)]
struct Level {
    up: Conv2d,
    gate: Gate,
    mix: Conv2d,
    spread: Conv2d,
}

impl Level {
    fn new(channels_in: usize, channels: usize, device: &Device) -> Self {
        Self {
            up: conv1x1([channels_in, channels], device),
            gate: Gate::new(channels, channels, device),
            mix: conv1x1([channels; 2], device),
            spread: same([channels; 2], 3, 1, channels, device),
        }
    }

    fn forward(&self, x: Tensor<4>, skip: Tensor<4>) -> Tensor<4> {
        let [_, _, height, width] = skip.dims();
        let up = self.up.forward(resize_to(x, height, width));
        let gate = self.gate.forward(global_mean(skip.clone() + up.clone()));
        let mix = relu(self.mix.forward(skip * gate + up));
        relu(self.spread.forward(mix.clone())) + mix
    }
}

#[derive(Module, Debug)]
pub struct Selfie {
    stem: Conv2d,
    blocks: Vec<Residual>,
    head: Head,
    levels: Vec<Level>,
    /// To four channels: the four pixels that each pixel becomes.
    last: Conv2d,
    person: Conv2d,
}

/// What the network sees in a picture.
#[derive(Debug)]
pub struct People {
    /// How sure it is of a person, pixel by pixel: `[1, 1, 256, 256]` in 0..1.
    pub matte: Tensor<4>,
    /// Whether there is one at all, and not an animal or a thing: `[1, 1, 1, 1]` in 0..1.
    pub person: Tensor<4>,
}

impl Selfie {
    pub fn new(device: &Device) -> Self {
        let from = std::iter::once(HEAD[1]).chain(LEVELS);
        Self {
            stem: same([3, STEM], 3, 2, 1, device),
            blocks: BLOCKS.iter().map(|block| Residual::new(block, device)).collect(),
            head: Head { features: conv1x1(HEAD, device), gate: conv1x1(HEAD, device) },
            levels: from.zip(LEVELS).map(|(from, to)| Level::new(from, to, device)).collect(),
            last: conv1x1([LEVELS[2], 4], device),
            person: conv1x1([SQUEEZED, 1], device),
        }
    }

    /// `[1, 3, 256, 256]`, RGB in 0..1.
    pub fn forward(&self, image: Tensor<4>) -> People {
        let stem = hard_swish(self.stem.forward(image));
        let mut skips = vec![stem.clone()];
        let mut squeezed = Vec::new();
        let mut x = stem;
        for (i, block) in self.blocks.iter().enumerate() {
            let means;
            (x, means) = block.forward(x);
            // The gates at the coarsest size: those of the blocks that swish.
            squeezed.extend(means.filter(|_| block.swish));
            if SKIPS.contains(&i) {
                skips.push(x.clone());
            }
        }
        let mut x = self.head.forward(x);
        for (level, skip) in self.levels.iter().zip(skips.into_iter().rev()) {
            x = level.forward(x, skip);
        }
        let person = sigmoid(self.person.forward(Tensor::cat(squeezed, 1)));
        People { matte: sigmoid(spread_out(self.last.forward(x))), person }
    }
}

/// `[1, 4, height, width]` to `[1, 1, 2 * height, 2 * width]`: the channels are the four pixels of each, row by row.
fn spread_out(x: Tensor<4>) -> Tensor<4> {
    let [_, _, height, width] = x.dims();
    let x = x.reshape([2, 2, height, width]).permute([2, 0, 3, 1]);
    x.reshape([1, 1, 2 * height, 2 * width])
}
