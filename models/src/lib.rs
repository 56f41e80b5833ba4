//! The weights of Cameo's networks: which files they are, and the graph that each file belongs to.
//!
//! - [`manifest`]: `models/manifest.toml`, with one entry per network, and the check of a weights file against it
//! - [`graph`]: the layers of a network in forward order, with the name and shape of every weight
//! - [`u2net`]: the graphs of the two matting networks, IS-Net and U2-Net-p
//! - [`selfie`]: the graph of the network that finds people
//! - [`network_graph`]: the graph of any of them
//! - [`Golden`]: what the original of each network computes, for engines to test themselves
//!
//! This crate depends on no tensor library, so that `cargo xtask convert` can check and write weights without building
//! the networks that will run them.

mod golden;
pub mod graph;
pub mod manifest;
mod networks;
pub mod selfie;
pub mod u2net;

pub use golden::{Golden, SELF_TEST_PORTRAIT};
pub use manifest::{Manifest, ModelEntry, ModelError, Network};
pub use networks::network_graph;
