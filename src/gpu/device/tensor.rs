//! A burn tensor's memory as a binding of our pipelines: both live on one device.

use burn::backend::{BackendTensor, DispatchTensorKind};
use burn::tensor::{Device, Tensor};
use burn_wgpu::{AutoCompiler, WgpuResource};
use cubecl::wgpu::WgpuServer;

/// The memory of `tensor`, which must be contiguous. Flush the device's queued work before it is used.
///
/// It is a slice of a pool page, so bind offset and size; the tensor given keeps it alive until it is dropped.
pub fn memory<const D: usize>(tensor: Tensor<D>) -> Result<Memory, String> {
    let DispatchTensorKind::Cube(BackendTensor::Float(inner)) = tensor.into_dispatch().kind else {
        return Err("the network's tensor is not on the GPU".into());
    };
    let resource = inner
        .client
        .get_resource::<WgpuServer<AutoCompiler>>(inner.handle.clone())
        .map_err(|error| format!("{error:?}"))?;
    Ok(Memory { resource: resource.resource().clone(), _keep: Box::new((resource, inner)) })
}

/// Whether `device` multiplies matrices in hardware that burn's kernels can use.
pub fn has_matrices(device: &Device) -> bool {
    match Tensor::<1>::empty([1], device).into_dispatch().kind {
        DispatchTensorKind::Cube(BackendTensor::Float(inner)) => {
            !inner.client.properties().features.matmul.cmma.is_empty()
        }
        _ => false,
    }
}

/// A tensor's slice of the pool, alive as long as this.
#[derive(Debug)]
pub struct Memory {
    resource: WgpuResource,
    _keep: Box<dyn std::any::Any>,
}

impl Memory {
    pub fn binding(&self) -> wgpu::BindingResource<'_> {
        self.resource.as_wgpu_bind_resource()
    }
}
