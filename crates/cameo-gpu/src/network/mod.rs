//! The layers of the networks as compute shaders.
//!
//! burn defines the networks and keeps their parameters in the memory of the shared device; the layers are computed here,
//! by kernels that bind that memory. Where burn cannot reach a GPU's matrix hardware, it has only a direct kernel for 3x3
//! convolutions; Winograd's F(4x4, 3x3) needs a quarter of its multiplications.

mod direct;
mod feature_map;
mod gpu_layers;
mod layers;
mod tiled;
mod weight_transform;
mod weights;
mod winograd;

pub use feature_map::GpuFeatureMap;
pub use gpu_layers::GpuLayers;
pub use weights::WeightCache;

use cameo_core::pipeline::EngineError;

use crate::context::GpuContext;
use crate::error::device_error;
use crate::kernels::WinogradKernels;

/// Records the layers that `forward` asks for.
///
/// Parameters that a layer needs for the first time are prepared and put into `cache`, which must only be used with
/// `winograd` kernels of one storage type.
///
/// # Errors
/// If a layer has parameters that no kernel supports.
pub fn record<T>(
    context: &GpuContext,
    winograd: &WinogradKernels,
    cache: &WeightCache,
    forward: impl FnOnce(&GpuLayers<'_>) -> Result<T, String>,
) -> Result<T, EngineError> {
    forward(&GpuLayers { context, winograd, cache, input_scale: 1.0 }).map_err(device_error)
}
