//! Records the dispatches of layers into command buffers, and submits them as they fill up.

use std::cell::RefCell;

use cameo_matting::Activation;

use super::feature_map::GpuFeatureMap;
use super::weights::WeightCache;
use crate::context::GpuContext;
use crate::kernels::{Kernel, WORKGROUP_1D, WinogradKernels};
use crate::params::Mirror;

/// Convolutions in one command buffer: the device computes these while the next are recorded.
const CONVS_PER_SUBMISSION: usize = 16;

/// Records layers, and submits them as command buffers fill up.
#[derive(Debug)]
pub struct GpuLayers<'a> {
    pub(super) context: &'a GpuContext,
    pub(super) winograd: WinogradKernels<'a>,
    pub(super) cache: &'a WeightCache,
    recorder: RefCell<Recorder>,
}

#[derive(Debug)]
struct Recorder {
    encoder: wgpu::CommandEncoder,
    /// Convolutions that the encoder holds.
    convs: usize,
}

impl<'a> GpuLayers<'a> {
    pub(super) fn new(context: &'a GpuContext, winograd: WinogradKernels<'a>, cache: &'a WeightCache) -> Self {
        let recorder = RefCell::new(Recorder { encoder: context.encoder("network"), convs: 0 });
        Self { context, winograd, cache, recorder }
    }

    /// Returns the commands that are not submitted yet.
    pub(super) fn finish(self) -> wgpu::CommandEncoder {
        self.recorder.into_inner().encoder
    }

    pub(super) fn dispatch<P: Mirror>(
        &self,
        kernel: &Kernel<P>,
        params: &P,
        bindings: &[wgpu::BindingResource<'_>],
        workgroups: [u32; 2],
    ) {
        let encoder = &mut self.recorder.borrow_mut().encoder;
        self.context.dispatch(encoder, kernel, params, bindings, workgroups);
    }

    pub(super) fn scratch(&self, channels: u32, size: [u32; 2]) -> GpuFeatureMap {
        GpuFeatureMap::scratch(self.context, "feature map", channels, size)
    }

    /// Counts a recorded convolution, and submits the command buffer if it holds enough of them.
    pub(super) fn count_conv(&self) {
        let recorder = &mut *self.recorder.borrow_mut();
        recorder.convs += 1;
        if recorder.convs == CONVS_PER_SUBMISSION {
            let encoder = std::mem::replace(&mut recorder.encoder, self.context.encoder("network"));
            recorder.convs = 0;
            self.context.queue.submit([encoder.finish()]);
        }
    }

    /// Copies `maps`, of one size, into one along their channels.
    pub(super) fn concat(&self, maps: &[&GpuFeatureMap]) -> GpuFeatureMap {
        if let [map] = maps {
            return (*map).clone();
        }
        let GpuFeatureMap { height, width, .. } = *maps[0];
        let channels = maps.iter().map(|map| map.channels).sum();
        let whole = self.scratch(channels, [height, width]);
        let encoder = &mut self.recorder.borrow_mut().encoder;
        let mut offset = 0;
        for map in maps {
            let bytes = map.buffer().size();
            encoder.copy_buffer_to_buffer(map.buffer(), 0, whole.buffer(), offset, bytes);
            offset += bytes;
        }
        whole
    }
}

/// Returns the workgroups that compute `count` results in each of `channels` channels.
pub(super) fn workgroups(count: u32, channels: u32) -> [u32; 2] {
    [count.div_ceil(WORKGROUP_1D), channels]
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
