//! The weights of Cameo's networks: what they are, where they lie, and the graph they belong to.
//!
//! - [`manifest`]: `models/manifest.toml`, one entry a network, and opening a weights file against it
//! - [`graph`]: the data flow of each network, layer by layer, with the name and shape of every weight
//! - [`selfie`]: the same of the network that finds people
//!
//! This crate knows no tensor library, so that `cargo xtask convert` can check and write weights without
//! building the networks that will run them.

pub mod graph;
pub mod manifest;
pub mod selfie;

pub use manifest::{Entry, Error, Manifest, Network};
