//! The layers of the networks as compute shaders.
//!
//! burn defines the networks and keeps their parameters in the memory of the shared device; the layers are computed here,
//! by kernels that bind that memory. Where burn cannot reach a GPU's matrix hardware, it has only a direct kernel for 3x3
//! convolutions; Winograd's F(4x4, 3x3) needs a quarter of its multiplications.

mod direct;
mod feature_map;
mod layers;
mod recorder;
mod weight_transform;
mod weights;
mod winograd;

pub use feature_map::GpuFeatureMap;
pub use recorder::GpuLayers;
pub use weights::WeightCache;

use cameo_core::pipeline::EngineError;

use crate::context::GpuContext;
use crate::error::device_error;
use crate::kernels::WinogradKernels;

/// Records the layers that `forward` asks for, submits them, and waits until the device has computed them.
///
/// Parameters that a layer needs for the first time are prepared and put into `cache`, which must only be used with
/// `winograd` kernels of one storage type.
///
/// # Errors
/// If the device was lost or is out of memory, or a layer has parameters that no kernel supports.
pub fn run<T>(
    context: &GpuContext,
    winograd: WinogradKernels<'_>,
    cache: &WeightCache,
    forward: impl FnOnce(&GpuLayers<'_>) -> Result<T, String>,
) -> Result<T, EngineError> {
    let output = start(context, winograd, cache, forward)?;
    context.wait()?;
    Ok(output)
}

/// Does the same as [`run`], but does not wait.
///
/// # Errors
/// As [`run`].
pub fn start<T>(
    context: &GpuContext,
    winograd: WinogradKernels<'_>,
    cache: &WeightCache,
    forward: impl FnOnce(&GpuLayers<'_>) -> Result<T, String>,
) -> Result<T, EngineError> {
    let layers = GpuLayers::new(context, winograd, cache);
    let output = forward(&layers).map_err(device_error)?;
    context.queue.submit([layers.finish().finish()]);
    Ok(output)
}
