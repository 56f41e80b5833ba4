//! The road from a photo to its cut-out and enhancement, and the engine that runs it on a CPU.

pub mod codec;
pub mod cpu;
pub mod error;
mod names;
pub mod pipeline;
pub mod rules;
pub mod taps;
