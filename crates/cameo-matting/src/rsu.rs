//! What both matting networks consist of (Qin et al. 2020): a U-Net whose stages are small U-Nets, residual U-blocks
//! (RSU).
//!
//! The names of fields are those of the parameters in the files of weights.

use std::ops::RangeInclusive;

use burn::module::Module;
use burn::tensor::Device;
use cameo_models::u2net::{BackboneShape, RsuShape};

use crate::conv2d::Conv2d;
use crate::layer_ops::{Activation, ConvShape, Epilogue, LayerOps, SampledInput};

/// Returns a 3x3 convolution that keeps the size at stride 1.
pub fn new_conv3x3(channels: [usize; 2], stride: usize, dilation: usize, device: &Device) -> Conv2d {
    Conv2d::new(channels, ConvShape { kernel: 3, stride, dilation, padding: [dilation; 4] }, device)
}

/// A 3x3 convolution and ReLU. The batch norm of training is folded into the weights.
#[derive(Module, Debug)]
pub struct ConvRelu {
    conv: Conv2d,
}

impl ConvRelu {
    fn new(channels: [usize; 2], dilation: usize, device: &Device) -> Self {
        Self { conv: new_conv3x3(channels, 1, dilation, device) }
    }

    /// Convolves `inputs`, concatenated, applies ReLU, and adds `residual`.
    fn forward<O: LayerOps>(
        &self,
        ops: &O,
        inputs: &[SampledInput<'_, O::FeatureMap>],
        residual: Option<&O::FeatureMap>,
    ) -> Result<O::FeatureMap, String> {
        ops.conv_sampled(&self.conv, inputs, Epilogue { activation: Activation::Relu, residual })
    }
}

/// A residual U-block: down the levels, through the bottom, up the levels, plus the output of the entry.
///
/// Most blocks halve the size between levels; RSU-4F doubles the dilation instead.
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
    fn new(shape: &RsuShape, device: &Device) -> Self {
        let RsuShape { depth, pools, channels_in, channels_mid: mid, channels_out } = *shape;
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

    /// Computes the block of `inputs`, concatenated.
    fn forward<O: LayerOps>(
        &self,
        ops: &O,
        inputs: &[SampledInput<'_, O::FeatureMap>],
    ) -> Result<O::FeatureMap, String> {
        let entry = self.entry.forward(ops, inputs, None)?;
        let mut skips: Vec<O::FeatureMap> = Vec::with_capacity(self.down.len());
        for conv in &self.down {
            let input = match skips.last() {
                None => SampledInput::unchanged(&entry),
                Some(above) if self.pools => SampledInput::pooled(above),
                Some(above) => SampledInput::unchanged(above),
            };
            skips.push(conv.forward(ops, &[input], None)?);
        }
        let lowest = skips.last().expect("a block has levels");
        let mut x = self.bottom.forward(ops, &[SampledInput::unchanged(lowest)], None)?;
        for conv in &self.up {
            let skip = skips.pop().expect("as many levels go up as down");
            let residual = skips.is_empty().then_some(&entry);
            let inputs = [SampledInput::resized(&x, ops.size(&skip)), SampledInput::unchanged(&skip)];
            x = conv.forward(ops, &inputs, residual)?;
        }
        Ok(x)
    }
}

/// Six encoder stages, each at half the size of the one before, and five decoder stages back up.
#[derive(Module, Debug)]
pub struct Backbone {
    encoder: Vec<Rsu>,
    decoder: Vec<Rsu>,
}

impl Backbone {
    pub fn new(shape: &BackboneShape, device: &Device) -> Self {
        Self {
            encoder: shape.encoder.iter().map(|rsu| Rsu::new(rsu, device)).collect(),
            decoder: shape.decoder.iter().map(|rsu| Rsu::new(rsu, device)).collect(),
        }
    }

    /// Computes the features `wanted` of `input`, of six, coarsest first: 0 is the output of the last encoder stage, 5
    /// that of the last decoder stage. Finer stages than those are not computed, and features are dropped after their
    /// last use.
    pub fn forward<O: LayerOps>(
        &self,
        ops: &O,
        input: &O::FeatureMap,
        wanted: RangeInclusive<usize>,
    ) -> Result<Vec<O::FeatureMap>, String> {
        let mut skips: Vec<O::FeatureMap> = Vec::with_capacity(self.encoder.len());
        for rsu in &self.encoder {
            let input = skips.last().map_or(SampledInput::unchanged(input), SampledInput::pooled);
            skips.push(rsu.forward(ops, &[input])?);
        }
        let mut x = skips.pop().expect("the encoder has stages");
        let mut features = Vec::new();
        for (i, rsu) in self.decoder[..*wanted.end()].iter().enumerate() {
            if wanted.contains(&i) {
                features.push(x.clone());
            }
            let skip = skips.pop().expect("each encoder stage but the last has a decoder stage");
            x = rsu.forward(ops, &[SampledInput::resized(&x, ops.size(&skip)), SampledInput::unchanged(&skip)])?;
        }
        features.push(x);
        Ok(features)
    }
}
