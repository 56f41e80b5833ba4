//! IS-Net (Qin et al. 2022, "Highly Accurate Dichotomous Image Segmentation"; xuebinqin/DIS).

use burn::module::Module;
use burn::tensor::Device;
use cameo_models::u2net::ISNET_BACKBONE;

use crate::conv2d::Conv2d;
use crate::layer_ops::{Epilogue, LayerOps};
use crate::rsu::{Backbone, new_conv3x3};

/// A stem that halves the size, the backbone, and the finest of the six side outputs: the others serve training only.
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
            backbone: Backbone::new(&ISNET_BACKBONE, device),
            sides: vec![new_conv3x3([ISNET_BACKBONE.decoder[4].channels_out, 1], 1, 1, device)],
        }
    }

    /// Computes the matte, `[1, height, width]` in 0..1, of `image`, `[3, height, width]`: RGB, normalised by the
    /// manifest's mean and deviation, with sides that are multiples of 32.
    ///
    /// # Errors
    /// If `ops` cannot compute a layer.
    pub fn matte<O: LayerOps>(&self, ops: &O, image: O::FeatureMap) -> Result<O::FeatureMap, String> {
        let stem = ops.conv(&self.stem, &[&image], Epilogue::NONE)?;
        let finest = self.backbone.forward(ops, &stem, 5..=5)?.remove(0);
        let side = ops.conv(&self.sides[0], &[&finest], Epilogue::NONE)?;
        ops.sigmoid(ops.resize_bilinear(side, ops.size(&image))?)
    }
}
