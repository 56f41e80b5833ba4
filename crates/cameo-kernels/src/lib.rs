//! CPU kernels of networks and photos, on plain slices: this crate depends on no tensor library.
//!
//! - [`conv`]: the convolutions of networks
//! - [`layers`]: their other layers
//! - [`resize`]: photos at the size of a network

#![allow(
    clippy::needless_range_loop,
    reason = "loops that index several arrays of lanes in step become vector instructions"
)]

pub mod conv;
pub mod layers;
pub mod resize;
