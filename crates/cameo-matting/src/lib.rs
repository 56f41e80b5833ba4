//! The networks that cut subjects out and find people, as burn modules.
//!
//! burn defines the modules and loads their weights. An engine computes their layers, by its implementation of
//! [`LayerOps`]; [`CpuLayers`] is that of the CPU. This crate knows no image formats and no engine.

mod conv2d;
mod cpu_layers;
mod cpu_weights;
mod isnet;
mod layer_ops;
mod library;
mod matting_network;
mod rsu;
mod selfie;
mod u2netp;
mod weights;

pub use conv2d::Conv2d;
pub use cpu_layers::{CpuFeatureMap, CpuLayers};
pub use isnet::IsNet;
pub use layer_ops::{Activation, ConvShape, Epilogue, LayerOps, SampledInput, Sampling};
pub use library::ModelLibrary;
pub use matting_network::{MattingNetwork, NetworkOutput};
pub use selfie::{PersonSegmentation, SelfieSegmenter};
pub use u2netp::U2NetP;
