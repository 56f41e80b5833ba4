//! IS-Net (Qin et al. 2022, "Highly Accurate Dichotomous Image Segmentation"; xuebinqin/DIS).

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::Device;
use cameo_models::graph::ISNET;

use super::ops::{Finish, Ops};
use super::rsu::{Backbone, new_conv3x3};

/// A stem that halves the image, the backbone, and the finest of its six side outputs: the others served training.
#[derive(Module, Debug)]
pub struct IsNet {
    stem: Conv2d,
    backbone: Backbone,
    sides: Vec<Conv2d>,
}

impl IsNet {
    pub fn new(device: &Device) -> Self {
        Self {
            stem: new_conv3x3([3, 64], 2, 1, device),
            backbone: Backbone::new(&ISNET, device),
            sides: vec![new_conv3x3([ISNET.decoder[4].channels_out, 1], 1, 1, device)],
        }
    }

    /// `[3, height, width]` to `[1, height, width]` in 0..1.
    pub fn forward<O: Ops>(&self, ops: &O, image: O::Stack) -> Result<O::Stack, String> {
        let stem = ops.convolve(&self.stem, &[&image], Finish::NONE)?;
        let finest = self.backbone.forward(ops, &stem, 5..=5)?.remove(0);
        let side = ops.convolve(&self.sides[0], &[&finest], Finish::NONE)?;
        ops.sigmoid(ops.resize(side, ops.size(&image))?)
    }
}
