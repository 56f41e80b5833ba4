//! GPU adapters, the one wgpu device that burn and Cameo's own pipelines share, and the buffers behind burn's tensors.
//!
//! This crate is the only one that names cubecl, burn's GPU runtime.

pub mod adapter;
mod shared;
mod tensor;

pub use adapter::Adapter;
pub use shared::{MAX_IMMEDIATE_BYTES, MAX_WORKGROUP_BYTES, SharedDevice};
pub use tensor::TensorBuffer;
