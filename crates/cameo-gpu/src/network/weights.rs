//! The weights of convolutions as the kernels read them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use burn::module::ParamId;
use burn::nn::conv::Conv2d;
use cameo_device::TensorBuffer;

use super::layers::{GpuLayers, workgroups};
use super::winograd::POINTS;
use crate::params::WinogradWeights;
use crate::pool::GpuBuffer;

/// The weights of the convolutions that were computed so far, by the parameter they come from.
#[derive(Debug, Default)]
pub struct WeightCache(RefCell<HashMap<ParamId, Rc<ConvWeights>>>);

/// The weights and the bias of a convolution.
#[derive(Debug)]
pub struct ConvWeights {
    kernel: KernelMemory,
    bias: TensorBuffer,
}

#[derive(Debug)]
enum KernelMemory {
    /// `[36, channels_in, channels_out rounded up to a multiple of 4]`, by Winograd's transform.
    Transformed(GpuBuffer),
    /// `[channels_out, channels_in / groups, kernel, kernel]`, the parameter itself.
    Parameter(TensorBuffer),
}

impl ConvWeights {
    pub fn kernel(&self) -> wgpu::BindingResource<'_> {
        match &self.kernel {
            KernelMemory::Transformed(buffer) => buffer.as_entire_binding(),
            KernelMemory::Parameter(tensor) => tensor.binding(),
        }
    }

    pub fn bias(&self) -> wgpu::BindingResource<'_> {
        self.bias.binding()
    }
}

impl GpuLayers<'_> {
    /// Returns the weights of `conv`, by Winograd's transform if `transformed`. They are prepared when they are needed
    /// for the first time.
    pub fn weights(&self, conv: &Conv2d, transformed: bool) -> Result<Rc<ConvWeights>, String> {
        if let Some(weights) = self.cache.0.borrow().get(&conv.weight.id) {
            return Ok(weights.clone());
        }
        let bias = conv.bias.as_ref().ok_or("a convolution has no bias")?;
        let parameter = TensorBuffer::new(conv.weight.val())?;
        let kernel = match transformed {
            true => KernelMemory::Transformed(self.transform_weights(&parameter, conv.weight.dims())),
            false => KernelMemory::Parameter(parameter),
        };
        let weights = Rc::new(ConvWeights { kernel, bias: TensorBuffer::new(bias.val())? });
        self.cache.0.borrow_mut().insert(conv.weight.id, weights.clone());
        Ok(weights)
    }

    /// Records the transform of `parameter`, of shape `dims`: `[channels_out, channels_in, 3, 3]`.
    fn transform_weights(&self, parameter: &TensorBuffer, dims: [usize; 4]) -> GpuBuffer {
        let [channels_out, channels_in, ..] = dims.map(|dim| dim as u32);
        let padded_out = channels_out.next_multiple_of(4);
        let numbers = u64::from(POINTS) * u64::from(channels_in) * u64::from(padded_out);
        let transformed = self.context.scratch("transformed weights", numbers * self.winograd.bytes);
        let params = WinogradWeights { channels_in, channels_out, padded_out, pad: 0 };
        let bindings = [parameter.binding(), transformed.as_entire_binding()];
        self.dispatch(self.winograd.weights, &params, &bindings, workgroups(padded_out, channels_in));
        transformed
    }
}
