//! How the networks look at a photo: at which part of it, and which way up.

mod bars;
mod rotation;
mod search;

pub use bars::scene;
pub use rotation::Rotation;
pub use search::{find_scene, find_upright};

use crate::tuning::Roi;

/// How the networks look at a photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// The part of the photo that they see.
    pub scene: Roi,
    /// The rotation after which they see it.
    pub rotation: Rotation,
}

impl View {
    /// Returns the view of `scene` as the photo lies.
    pub fn upright(scene: Roi) -> Self {
        Self { scene, rotation: Rotation::None }
    }
}
