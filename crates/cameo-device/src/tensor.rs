//! The buffers behind burn's tensors, as bindings for Cameo's own pipelines.

use std::num::NonZeroU64;

use burn::backend::{BackendTensor, DispatchTensorKind};
use burn::tensor::Tensor;
use burn_wgpu::{AutoCompiler, CubeTensor, WgpuResource};
use cubecl::wgpu::WgpuServer;

/// The memory of a burn tensor on the shared device: a slice of a page of burn's pool, so it is bound with an offset and
/// a size. It stays allocated for as long as this value lives.
///
/// Several tensors may lie in one page, and wgpu tracks usage per buffer: a shader that binds two of them must declare
/// both `read_write` or both `read`.
#[derive(Debug)]
pub struct TensorBuffer {
    resource: WgpuResource,
    /// Keeps burn from handing the slice to another tensor.
    _tensor: CubeTensor,
}

impl TensorBuffer {
    /// Returns the memory of `tensor`, which must be contiguous, after submitting the work that writes it.
    ///
    /// # Errors
    /// If the tensor is not on the shared device, or burn failed to compute it.
    pub fn new<const D: usize>(tensor: Tensor<D>) -> Result<Self, String> {
        let DispatchTensorKind::Cube(BackendTensor::Float(tensor)) = tensor.into_dispatch().kind else {
            return Err("a parameter of the network is not on the GPU".into());
        };
        let resource = tensor
            .client
            .get_resource::<WgpuServer<AutoCompiler>>(tensor.handle.clone())
            .map_err(|error| format!("{error:?}"))?;
        tensor.client.flush().map_err(|error| format!("{error:?}"))?;
        Ok(Self { resource: resource.resource().clone(), _tensor: tensor })
    }

    pub fn binding(&self) -> wgpu::BufferBinding<'_> {
        let size = NonZeroU64::new(self.resource.size.next_multiple_of(wgpu::COPY_BUFFER_ALIGNMENT));
        wgpu::BufferBinding { buffer: &self.resource.buffer, offset: self.resource.offset, size }
    }
}
