//! One network by itself, without the stages around it.

use std::fmt::{Display, Formatter};

use cameo_models::Network;

use super::error::EngineError;
use crate::codec::Image;

/// How an engine stores the numbers that it computes a network with. It sums them in f32 in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// Everything in f32.
    F32,
    /// The transformed tiles and weights of convolutions in f16.
    F16Storage,
}

impl Display for Precision {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::F16Storage => "f16 storage",
        })
    }
}

/// Runs single networks, with the kernels and in the precision of the matte and locate stages.
pub trait NetworkRunner {
    /// Runs `network` on `picture`, which is square, at the picture's own size, and returns its output: one value in 0..1
    /// for each pixel, not yet stretched. Loads the network unless it is loaded already.
    ///
    /// # Errors
    /// If the network cannot be loaded, or the device was lost or is out of memory.
    fn run_network(&mut self, network: Network, picture: Image) -> Result<Vec<f32>, EngineError>;

    /// Returns the precision in which `network` runs.
    fn precision(&self, _network: Network) -> Precision {
        Precision::F32
    }

    /// Makes `network` run in [`Precision::F32`] from now on.
    fn use_f32(&mut self, _network: Network) {}
}
