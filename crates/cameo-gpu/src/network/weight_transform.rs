//! Prepares the weights of a convolution for its kernels.

use std::rc::Rc;

use cameo_device::TensorBuffer;
use cameo_matting::Conv2d;

use super::gpu_layers::{GpuLayers, workgroups};
use super::weights::{GpuConvWeights, KernelMemory, POINTS};
use crate::params::WinogradWeights;
use crate::pool::GpuBuffer;

impl GpuLayers<'_> {
    /// Returns the weights of `conv`, by Winograd's transform if `transformed`. They are prepared when they are needed
    /// for the first time.
    pub(super) fn weights(&self, conv: &Conv2d, transformed: bool) -> Result<Rc<GpuConvWeights>, String> {
        self.cache.get_or_prepare(conv.weight.id, transformed, || {
            let parameter = TensorBuffer::new(conv.weight.val())?;
            let kernel = match transformed {
                true => KernelMemory::Transformed(self.transform_weights(&parameter, conv.weight.dims())),
                false => KernelMemory::Parameter(Box::new(parameter)),
            };
            Ok(GpuConvWeights { kernel, bias: TensorBuffer::new(conv.bias.val())? })
        })
    }

    /// Records the transform of `parameter`, of shape `dims`: `[channels_out, channels_in, 3, 3]`.
    fn transform_weights(&self, parameter: &TensorBuffer, dims: [usize; 4]) -> GpuBuffer {
        let [channels_out, channels_in, ..] = dims.map(|dim| dim as u32);
        let padded_out = channels_out.next_multiple_of(4);
        let values = u64::from(POINTS) * u64::from(channels_in) * u64::from(padded_out);
        let transformed = self.context.permanent("transformed weights", values * self.winograd.bytes);
        let params = WinogradWeights { channels_in, channels_out, padded_out };
        let bindings = [parameter.binding(), transformed.as_entire_buffer_binding()];
        self.context.dispatch(&self.winograd.weights, &params, &bindings, workgroups(padded_out, channels_in));
        transformed
    }
}
