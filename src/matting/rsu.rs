//! The building blocks that both networks share, after Qin et al. 2020: a U-Net whose stages are small U-Nets (RSU).

use std::ops::RangeInclusive;

use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::Device;
use cameo_models::graph;

use crate::ops::{Finish, Ops};

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

    /// Of `parts`, concatenated; and `plus` added.
    fn forward<O: Ops>(&self, ops: &O, parts: &[&O::Stack], plus: Option<&O::Stack>) -> Result<O::Stack, String> {
        ops.convolve(&self.conv, parts, Finish { relu: true, plus })
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
    fn forward<O: Ops>(&self, ops: &O, parts: &[&O::Stack]) -> Result<O::Stack, String> {
        let entry = self.entry.forward(ops, parts, None)?;
        let mut skips: Vec<O::Stack> = Vec::with_capacity(self.down.len());
        for conv in &self.down {
            let skip = match skips.last() {
                None => conv.forward(ops, &[&entry], None),
                Some(above) if self.pools => conv.forward(ops, &[&ops.halve(above)?], None),
                Some(above) => conv.forward(ops, &[above], None),
            };
            skips.push(skip?);
        }
        let lowest = skips.last().expect("a block has levels");
        let mut x = self.bottom.forward(ops, &[lowest], None)?;
        for conv in &self.up {
            let skip = skips.pop().expect("as many levels up as down");
            let plus = skips.is_empty().then_some(&entry);
            x = ops.resize(x, ops.size(&skip))?;
            x = conv.forward(ops, &[&x, &skip], plus)?;
        }
        Ok(x)
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

    /// The features `wanted` of six, coarsest first: 0 is that of the last encoder stage, 5 that of the last decoder
    /// stage. What is finer than those wanted is not computed, what is coarser dropped as soon as it was used.
    pub fn forward<O: Ops>(
        &self,
        ops: &O,
        image: &O::Stack,
        wanted: RangeInclusive<usize>,
    ) -> Result<Vec<O::Stack>, String> {
        let mut skips: Vec<O::Stack> = Vec::with_capacity(self.encoder.len());
        for rsu in &self.encoder {
            let skip = match skips.last() {
                None => rsu.forward(ops, &[image]),
                Some(above) => rsu.forward(ops, &[&ops.halve(above)?]),
            };
            skips.push(skip?);
        }
        let mut x = skips.pop().expect("the encoder has stages");
        let mut features = Vec::new();
        for (i, rsu) in self.decoder[..*wanted.end()].iter().enumerate() {
            if wanted.contains(&i) {
                features.push(x.clone());
            }
            let skip = skips.pop().expect("a decoder stage for each encoder stage but the last");
            x = ops.resize(x, ops.size(&skip))?;
            x = rsu.forward(ops, &[&x, &skip])?;
        }
        features.push(x);
        Ok(features)
    }
}
