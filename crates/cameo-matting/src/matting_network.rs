//! The networks that compute mattes, behind one type.

use std::path::Path;

use burn::tensor::Device;
use cameo_models::{ModelEntry, Network};

use crate::isnet::IsNet;
use crate::layer_ops::LayerOps;
use crate::u2netp::U2NetP;
use crate::weights::load_weights;

/// Which output of a matting network to compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkOutput {
    Matte,
    /// The side output of the second finest decoder stage, enlarged to the size of the matte. U2-Net-p computes it with
    /// 46 percent of the operations; IS-Net has none.
    CoarseMatte,
}

/// A network that computes mattes, with its weights on a device.
#[derive(Debug)]
pub enum MattingNetwork {
    IsNet(IsNet),
    U2NetP(U2NetP),
}

impl MattingNetwork {
    /// Loads the network of `entry` from the file `weights`: safetensors, mapped into memory, f16 widened to f32.
    ///
    /// # Errors
    /// A sentence that names the first parameter that is missing or has another shape.
    pub fn load(entry: &ModelEntry, weights: &Path, device: &Device) -> Result<Self, String> {
        match entry.network {
            Network::IsNet => load_weights(IsNet::new(device), entry, weights).map(Self::IsNet),
            Network::U2NetP => load_weights(U2NetP::new(device), entry, weights).map(Self::U2NetP),
            Network::Selfie => Err("the selfie network computes no matte".into()),
        }
    }

    /// Computes `output` from `image`, `[3, size, size]`, RGB normalised by the mean and deviation of the network. The
    /// result is `[1, size, size]` in 0..1, not yet stretched to the full range.
    ///
    /// Both networks are fully convolutional: any size that is a multiple of 64 works, the size of training works best.
    ///
    /// # Errors
    /// If `ops` cannot compute a layer, or the network does not have this output.
    pub fn forward<O: LayerOps>(
        &self,
        ops: &O,
        image: O::FeatureMap,
        output: NetworkOutput,
    ) -> Result<O::FeatureMap, String> {
        match (self, output) {
            (Self::IsNet(network), NetworkOutput::Matte) => network.matte(ops, image),
            (Self::IsNet(_), NetworkOutput::CoarseMatte) => {
                Err("the coarse side outputs of IS-Net serve training only: use U2-Net-p".into())
            }
            (Self::U2NetP(network), NetworkOutput::Matte) => network.matte(ops, image),
            (Self::U2NetP(network), NetworkOutput::CoarseMatte) => network.coarse_matte(ops, image),
        }
    }
}
