//! Adapters, the one device that burn and our pipelines share, and a tensor's memory as a binding.

pub mod adapter;
mod open;
mod tensor;

pub use adapter::Adapter;
pub use open::{Opened, open};
pub use tensor::{Memory, has_matrices, memory};
