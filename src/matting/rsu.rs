//! The building blocks that both networks share, after Qin et al. 2020: a U-Net whose stages are small U-Nets (RSU).

use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::{Device, Tensor};
use cameo_models::graph;

use crate::ops::{conv3x3, halve, resize_like};

/// A 3x3 convolution that keeps the size at stride 1.
pub fn new_conv3x3(channels: [usize; 2], stride: usize, dilation: usize, device: &Device) -> Conv2d {
    Conv2dConfig::new(channels, [3, 3])
        .with_stride([stride, stride])
        .with_dilation([dilation, dilation])
        .with_padding(PaddingConfig2d::Explicit(dilation, dilation, dilation, dilation))
        .init(device)
}

/// 3x3 convolution and ReLU; the batch norm between them is folded into the convolution.
#[derive(Module, Debug)]
pub struct ConvRelu {
    conv: Conv2d,
}

impl ConvRelu {
    fn new(channels: [usize; 2], dilation: usize, device: &Device) -> Self {
        Self { conv: new_conv3x3(channels, 1, dilation, device) }
    }

    /// Of `parts`, concatenated.
    fn forward(&self, parts: Vec<Tensor<4>>) -> Tensor<4> {
        conv3x3(&self.conv, parts, true)
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

    /// Of `parts`, concatenated.
    fn forward(&self, parts: Vec<Tensor<4>>) -> Tensor<4> {
        let entry = self.entry.forward(parts);
        let mut skips: Vec<Tensor<4>> = Vec::with_capacity(self.down.len());
        for conv in &self.down {
            let x = match skips.last() {
                None => entry.clone(),
                Some(above) if self.pools => halve(above.clone()),
                Some(above) => above.clone(),
            };
            skips.push(conv.forward(vec![x]));
        }
        let lowest = skips.last().expect("a block has levels").clone();
        let mut x = self.bottom.forward(vec![lowest]);
        for conv in &self.up {
            let skip = skips.pop().expect("as many levels up as down");
            x = conv.forward(vec![resize_like(x, &skip), skip]);
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
            skips.push(rsu.forward(vec![x]));
        }
        let stages = skips.len();
        let mut x = skips.pop().expect("the encoder has stages");
        let mut features = Vec::with_capacity(keep);
        for (i, rsu) in self.decoder.iter().enumerate() {
            if stages - i <= keep {
                features.push(x.clone());
            }
            let skip = skips.pop().expect("a decoder stage for each encoder stage but the last");
            x = rsu.forward(vec![resize_like(x, &skip), skip]);
        }
        features.push(x);
        features
    }
}
