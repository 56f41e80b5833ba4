//! The matte stage: one forward pass of the matting network.

use cameo_core::codec::Image;
use cameo_core::pipeline::EngineError;
use cameo_matting::{CpuLayers, MattingNetwork, NetworkOutput};

use crate::network::run_matting;
use crate::plane::Plane;
use crate::prepare::CpuInput;

/// A matte over the ROI, at the network's size.
#[derive(Debug, Clone)]
pub struct CpuMatte {
    /// Alpha in 0..1.
    pub alpha: Plane,
    /// The ROI at the same size, as the network got it.
    pub resized: Image,
}

/// Runs `network` on `input`.
///
/// # Errors
/// If a layer cannot be computed.
pub fn matte(network: &MattingNetwork, layers: &CpuLayers, input: CpuInput) -> Result<CpuMatte, EngineError> {
    let CpuInput { resized, planes, rotation } = input;
    let side = resized.width as usize;
    let alpha = run_matting(network, NetworkOutput::Matte, layers, planes, side, rotation)?;
    Ok(CpuMatte { alpha: Plane::square(side, alpha), resized })
}
