//! U2-Net-p, the small U2-Net (Qin et al. 2020, "U2-Net: Going Deeper with Nested U-Structure for Salient Object
//! Detection"; xuebinqin/U-2-Net).

use burn::module::Module;
use burn::tensor::Device;
use cameo_models::u2net::U2NETP_BACKBONE;

use crate::conv2d::Conv2d;
use crate::layer_ops::{Epilogue, LayerOps};
use crate::rsu::{Backbone, new_conv3x3};

/// The backbone, a side output for each of its six features, and their fusion.
#[derive(Module, Debug)]
pub struct U2NetP {
    backbone: Backbone,
    /// Finest first.
    sides: Vec<Conv2d>,
    fuse: Conv2d,
}

impl U2NetP {
    pub fn new(device: &Device) -> Self {
        let stages = U2NETP_BACKBONE.decoder.iter().rev().chain(U2NETP_BACKBONE.encoder.last());
        Self {
            backbone: Backbone::new(&U2NETP_BACKBONE, device),
            sides: stages.map(|rsu| new_conv3x3([rsu.channels_out, 1], 1, 1, device)).collect(),
            fuse: Conv2d::pointwise([6, 1], device),
        }
    }

    /// Computes the matte, `[1, height, width]` in 0..1, of `image`, `[3, height, width]`: RGB, normalised by the
    /// manifest's mean and deviation, with sides that are multiples of 32.
    ///
    /// # Errors
    /// If `ops` cannot compute a layer.
    pub fn matte<O: LayerOps>(&self, ops: &O, image: O::FeatureMap) -> Result<O::FeatureMap, String> {
        let features = self.backbone.forward(ops, &image, 0..=5)?;
        let finest_first = features.into_iter().rev();
        let side_output = |(side, feature): (&Conv2d, O::FeatureMap)| {
            let output = ops.conv(side, &[&feature], Epilogue::NONE)?;
            ops.resize_bilinear(output, ops.size(&image))
        };
        let outputs = self.sides.iter().zip(finest_first).map(side_output).collect::<Result<Vec<_>, String>>()?;
        let outputs: Vec<_> = outputs.iter().collect();
        ops.sigmoid(ops.conv(&self.fuse, &outputs, Epilogue::NONE)?)
    }

    /// Computes a coarser matte of the same size, without the last decoder stage.
    ///
    /// # Errors
    /// If `ops` cannot compute a layer.
    pub fn coarse_matte<O: LayerOps>(&self, ops: &O, image: O::FeatureMap) -> Result<O::FeatureMap, String> {
        let feature = self.backbone.forward(ops, &image, 4..=4)?.remove(0);
        let output = ops.conv(&self.sides[1], &[&feature], Epilogue::NONE)?;
        ops.sigmoid(ops.resize_bilinear(output, ops.size(&image))?)
    }
}
