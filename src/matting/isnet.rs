//! IS-Net (Qin et al. 2022, "Highly Accurate Dichotomous Image Segmentation"; xuebinqin/DIS).

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::activation::sigmoid;
use burn::tensor::{Device, Tensor};
use cameo_models::graph::ISNET;

use super::ops::{conv3x3, resize_like};
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

    /// `[1, 3, height, width]` to `[1, 1, height, width]` in 0..1.
    pub fn forward(&self, image: Tensor<4>) -> Tensor<4> {
        let stem = self.stem.forward(image.clone());
        let finest = self.backbone.forward(stem, 1).pop().expect("one feature was asked for");
        sigmoid(resize_like(conv3x3(&self.sides[0], vec![finest], false), &image))
    }
}
