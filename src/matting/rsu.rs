//! The building blocks that both networks share, after Qin et al. 2020: a U-Net whose stages are small U-Nets (RSU).

use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::activation::relu;
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{Device, Int, Tensor};
use cameo_models::graph;

/// A 3x3 convolution that keeps the size at stride 1.
pub fn conv3x3(channels: [usize; 2], stride: usize, dilation: usize, device: &Device) -> Conv2d {
    Conv2dConfig::new(channels, [3, 3])
        .with_stride([stride, stride])
        .with_dilation([dilation, dilation])
        .with_padding(PaddingConfig2d::Explicit(dilation, dilation, dilation, dilation))
        .init(device)
}

/// 2x2 maximum with stride 2; an odd row or column at the end counts as a whole cell.
fn halve(x: Tensor<4>) -> Tensor<4> {
    max_pool2d(x, MaxPoolOptions::new([2, 2]).with_ceil_mode(true))
}

/// [`resize_to`] the size of `like`.
pub fn resize_like(x: Tensor<4>, like: &Tensor<4>) -> Tensor<4> {
    let [_, _, height, width] = like.dims();
    resize_to(x, height, width)
}

/// Bilinear with half-pixel centres; as it is where it has that size.
///
/// Written with `select` and not with burn's `interpolate`, which on wgpu picks one of two kernels by their speed as it
/// runs: with it, IS-Net's matte was wrong by 0.35 in runs on a loaded machine, and right in all others.
pub fn resize_to(x: Tensor<4>, height: usize, width: usize) -> Tensor<4> {
    // Across first: rows are then copied whole, and there are fewer of them to gather from.
    resize_axis(resize_axis(x, 3, width), 2, height)
}

fn resize_axis(x: Tensor<4>, axis: usize, to: usize) -> Tensor<4> {
    let from = x.dims()[axis];
    if from == to {
        return x;
    }
    let last = from as f32 - 1.0;
    let index = Tensor::<1, Int>::arange(0..to as i64, &x.device()).float();
    let centre = ((index + 0.5) * (from as f32 / to as f32) - 0.5).clamp(0.0, last);
    let low = centre.clone().floor();
    let high = (low.clone() + 1.0).clamp(0.0, last);
    let mut shape = [1; 4];
    shape[axis] = to;
    let share = (centre - low.clone()).reshape(shape);
    let low = x.clone().select(axis, low.int());
    let high = x.select(axis, high.int());
    low.clone() + (high - low) * share
}

/// 3x3 convolution and ReLU; the batch norm between them is folded into the convolution.
#[derive(Module, Debug)]
pub struct ConvRelu {
    conv: Conv2d,
}

impl ConvRelu {
    fn new(channels: [usize; 2], dilation: usize, device: &Device) -> Self {
        Self { conv: conv3x3(channels, 1, dilation, device) }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        relu(self.conv.forward(x))
    }
}

/// A residual U-block: down through `down`, across `bottom`, up through `up`, plus the block's own entry.
///
/// A pooling block halves the size between its levels; a dilated one (RSU-4F) widens its kernels instead.
#[derive(Module, Debug)]
pub struct Rsu {
    entry: ConvRelu,
    down: Vec<ConvRelu>,
    bottom: ConvRelu,
    up: Vec<ConvRelu>,
    #[module(skip)]
    pools: bool,
}

impl Rsu {
    fn new(shape: &graph::Rsu, device: &Device) -> Self {
        let graph::Rsu { depth, pools, channels_in, channels_mid: mid, channels_out } = *shape;
        let levels = depth - 1;
        let dilation = |level: usize| if pools { 1 } else { 1 << level };
        let down = |level| {
            let from = if level == 0 { channels_out } else { mid };
            ConvRelu::new([from, mid], dilation(level), device)
        };
        let up = |level| {
            let to = if level == 0 { channels_out } else { mid };
            ConvRelu::new([2 * mid, to], dilation(level), device)
        };
        Self {
            entry: ConvRelu::new([channels_in, channels_out], 1, device),
            down: (0..levels).map(down).collect(),
            bottom: ConvRelu::new([mid, mid], if pools { 2 } else { 1 << levels }, device),
            up: (0..levels).rev().map(up).collect(),
            pools,
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let entry = self.entry.forward(x);
        let mut skips: Vec<Tensor<4>> = Vec::with_capacity(self.down.len());
        for conv in &self.down {
            let x = match skips.last() {
                None => entry.clone(),
                Some(above) if self.pools => halve(above.clone()),
                Some(above) => above.clone(),
            };
            skips.push(conv.forward(x));
        }
        let lowest = skips.last().expect("a block has levels").clone();
        let mut x = self.bottom.forward(lowest);
        for conv in &self.up {
            let skip = skips.pop().expect("as many levels up as down");
            x = conv.forward(Tensor::cat(vec![resize_like(x, &skip), skip], 1));
        }
        x + entry
    }
}

/// Six encoder stages, each half the size of the one before, and five decoder stages back up.
#[derive(Module, Debug)]
pub struct Backbone {
    encoder: Vec<Rsu>,
    decoder: Vec<Rsu>,
}

impl Backbone {
    pub fn new(stages: &graph::Stages, device: &Device) -> Self {
        Self {
            encoder: stages.encoder.iter().map(|shape| Rsu::new(shape, device)).collect(),
            decoder: stages.decoder.iter().map(|shape| Rsu::new(shape, device)).collect(),
        }
    }

    /// The features of the five decoder stages and of the last encoder stage, coarsest first; `keep` says how many
    /// of the finest the caller needs, the rest are dropped as soon as they are used.
    pub fn forward(&self, image: Tensor<4>, keep: usize) -> Vec<Tensor<4>> {
        let mut skips: Vec<Tensor<4>> = Vec::with_capacity(self.encoder.len());
        for rsu in &self.encoder {
            let x = match skips.last() {
                None => image.clone(),
                Some(above) => halve(above.clone()),
            };
            skips.push(rsu.forward(x));
        }
        let stages = skips.len();
        let mut x = skips.pop().expect("the encoder has stages");
        let mut features = Vec::with_capacity(keep);
        for (i, rsu) in self.decoder.iter().enumerate() {
            if stages - i <= keep {
                features.push(x.clone());
            }
            let skip = skips.pop().expect("a decoder stage for each encoder stage but the last");
            x = rsu.forward(Tensor::cat(vec![resize_like(x, &skip), skip], 1));
        }
        features.push(x);
        features
    }
}
