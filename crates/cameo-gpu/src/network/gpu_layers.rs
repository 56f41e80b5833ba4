//! What the layers of the networks share.

use cameo_matting::Activation;

use super::feature_map::GpuFeatureMap;
use super::weights::WeightCache;
use crate::context::GpuContext;
use crate::kernels::{WORKGROUP_1D, WinogradKernels};

/// Records the layers of the networks into the commands of its context.
#[derive(Debug)]
pub struct GpuLayers<'a> {
    pub(super) context: &'a GpuContext,
    pub(super) winograd: &'a WinogradKernels,
    pub(super) cache: &'a WeightCache,
    /// The area of the network's input, in areas of the input that it was made for.
    pub(super) input_scale: f64,
}

impl GpuLayers<'_> {
    /// Returns these layers for an input of another size than `native_side`, so that each convolution runs with the kernel
    /// that it runs with at the native size.
    pub fn scaled(&self, side: u32, native_side: u32) -> Self {
        Self { input_scale: (f64::from(side) / f64::from(native_side)).powi(2), ..*self }
    }

    pub(super) fn scratch(&self, channels: u32, size: [u32; 2]) -> GpuFeatureMap {
        GpuFeatureMap::scratch(self.context, "feature map", channels, size)
    }

    /// Copies `maps`, of one size, into one along their channels.
    pub(super) fn concat(&self, maps: &[&GpuFeatureMap]) -> GpuFeatureMap {
        if let [map] = maps {
            return (*map).clone();
        }
        let GpuFeatureMap { height, width, .. } = *maps[0];
        let channels = maps.iter().map(|map| map.channels).sum();
        let whole = self.scratch(channels, [height, width]);
        let mut offset = 0;
        for map in maps {
            let bytes = map.buffer().size();
            self.context.copy(map.buffer(), 0, whole.buffer(), offset, bytes);
            offset += bytes;
        }
        whole
    }
}

/// Returns the workgroups that compute `count` results in each of `channels` channels.
pub(super) fn workgroups(count: u32, channels: u32) -> [u32; 3] {
    [count.div_ceil(WORKGROUP_1D), channels, 1]
}

/// Returns the number that stands for `activation` in the parameters of a kernel; shared/activation.wgsl has the same
/// numbers.
pub(super) fn activation_code(activation: Activation) -> u32 {
    match activation {
        Activation::None => 0,
        Activation::Relu => 1,
        Activation::HardSwish => 2,
        Activation::Sigmoid => 3,
    }
}
