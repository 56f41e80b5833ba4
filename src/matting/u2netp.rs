//! U2-Net-p, the small U2-Net (Qin et al. 2020, "U2-Net: Going Deeper with Nested U-Structure for Salient Object
//! Detection"; xuebinqin/U-2-Net).

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::Device;
use cameo_models::graph::U2NETP;

use super::ops::{Finish, Ops};
use super::rsu::{Backbone, new_conv3x3};

/// The backbone, a side output for each of its six features, and their fusion.
#[derive(Module, Debug)]
pub struct U2NetP {
    backbone: Backbone,
    sides: Vec<Conv2d>,
    fuse: Conv2d,
}

impl U2NetP {
    pub fn new(device: &Device) -> Self {
        let channels = U2NETP.decoder.iter().rev().chain(U2NETP.encoder.last()).map(|rsu| rsu.channels_out);
        Self {
            backbone: Backbone::new(&U2NETP, device),
            sides: channels.map(|channels| new_conv3x3([channels, 1], 1, 1, device)).collect(),
            fuse: Conv2dConfig::new([6, 1], [1, 1]).init(device),
        }
    }

    /// `[3, height, width]` to `[1, height, width]` in 0..1.
    pub fn forward<O: Ops>(&self, ops: &O, image: O::Stack) -> Result<O::Stack, String> {
        let features = self.backbone.forward(ops, &image, 0..=5)?;
        let finest_first = features.into_iter().rev();
        let side = |(side, feature): (&Conv2d, O::Stack)| {
            let side = ops.convolve(side, &[&feature], Finish::NONE)?;
            ops.resize(side, ops.size(&image))
        };
        let sides = self.sides.iter().zip(finest_first).map(side).collect::<Result<Vec<_>, String>>()?;
        let sides: Vec<_> = sides.iter().collect();
        ops.sigmoid(ops.convolve(&self.fuse, &sides, Finish::NONE)?)
    }

    /// The same, rougher, without the last decoder stage.
    pub fn glance<O: Ops>(&self, ops: &O, image: O::Stack) -> Result<O::Stack, String> {
        let feature = self.backbone.forward(ops, &image, 4..=4)?.remove(0);
        let side = ops.convolve(&self.sides[1], &[&feature], Finish::NONE)?;
        ops.sigmoid(ops.resize(side, ops.size(&image))?)
    }
}
