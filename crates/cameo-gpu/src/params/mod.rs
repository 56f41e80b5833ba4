//! The parameters of each shader as a Rust struct. A test compares their layout with that of the shader.

#[macro_use]
mod mirror;

mod matte;
mod network;
mod picture;

pub use matte::*;
pub use mirror::Mirror;
pub use network::*;
pub use picture::*;
