//! The weights of convolutions as the kernels read them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use burn::module::ParamId;
use cameo_device::TensorBuffer;

use crate::pool::GpuBuffer;

/// Values of a tile transformed by Winograd's F(4x4, 3x3).
pub const POINTS: u32 = 36;

/// The weights of the convolutions that were computed so far, by the parameter they come from and whether they are
/// transformed: a convolution may need both, at different sizes.
#[derive(Debug, Default)]
pub struct WeightCache(RefCell<HashMap<(ParamId, bool), Rc<GpuConvWeights>>>);

impl WeightCache {
    /// Returns the weights of the parameter `id`, and prepares them with `prepare` when they are asked for first.
    pub(super) fn get_or_prepare(
        &self,
        id: ParamId,
        transformed: bool,
        prepare: impl FnOnce() -> Result<GpuConvWeights, String>,
    ) -> Result<Rc<GpuConvWeights>, String> {
        if let Some(weights) = self.0.borrow().get(&(id, transformed)) {
            return Ok(weights.clone());
        }
        let weights = Rc::new(prepare()?);
        self.0.borrow_mut().insert((id, transformed), weights.clone());
        Ok(weights)
    }
}

/// The weights and the bias of a convolution.
#[derive(Debug)]
pub struct GpuConvWeights {
    pub(super) kernel: KernelMemory,
    pub(super) bias: TensorBuffer,
}

/// Where the weights of a convolution are.
#[derive(Debug)]
pub(super) enum KernelMemory {
    /// `[36, channels_in, channels_out rounded up to a multiple of 4]`, by Winograd's transform.
    Transformed(GpuBuffer),
    /// `[channels_out, channels_in / groups, kernel, kernel]`, the parameter itself.
    Parameter(Box<TensorBuffer>),
}

impl GpuConvWeights {
    pub fn kernel(&self) -> wgpu::BufferBinding<'_> {
        match &self.kernel {
            KernelMemory::Transformed(buffer) => buffer.as_entire_buffer_binding(),
            KernelMemory::Parameter(tensor) => tensor.binding(),
        }
    }

    pub fn bias(&self) -> wgpu::BufferBinding<'_> {
        self.bias.binding()
    }
}
