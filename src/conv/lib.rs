//! What a network spends its time on, on the CPU: 3x3 convolutions, halving and resizing of stacks of planes.
//!
//! Plain slices in, plain slices out: a stack is `[channels, height, width]`, f32, contiguous. Nothing here knows burn.

#![allow(clippy::needless_range_loop, reason = "lanes are walked in step over several arrays: so they become vectors")]

mod direct;
mod kernel;
mod planes;
mod rows;
mod scratch;
mod single;
mod tiles;
mod transform;
mod whole;
mod winograd;

#[cfg(test)]
mod definition;

pub use direct::conv;
pub use kernel::{Kernel, Transformed};
pub use planes::{halve, resize};
pub use scratch::Workspace;
pub use winograd::{Input, Manner, conv3x3};
