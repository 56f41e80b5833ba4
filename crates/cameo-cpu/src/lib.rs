//! The CPU engine: the fallback where there is no GPU, and the reference that the GPU engine is tested against.
//!
//! Each stage is a plain function from pixels to pixels, in a file of its name, which is also the name of the stage's
//! shaders and of its file in the GPU engine: [`locate()`], [`prepare()`], `matte`, [`repair()`], [`refine()`],
//! [`decontaminate()`], [`edge()`], [`enhance()`]. [`CpuEngine`] loads the networks and runs the stages; rayon spreads
//! them over the cores.
//!
//! Photos are 8-bit RGBA, sRGB-encoded, with straight alpha. Mattes are [`Plane`]s of `f32` in 0..1.

mod box_filter;
mod components;
mod decontaminate;
mod edge;
mod engine;
mod enhance;
mod error;
mod frame;
mod locate;
mod matte;
mod network;
mod plane;
mod prepare;
mod refine;
mod repair;
mod rotate;
mod stretch;

pub use decontaminate::decontaminate;
pub use edge::edge;
pub use engine::CpuEngine;
pub use enhance::{denoise, enhance, estimate_noise};
pub use frame::CpuFrame;
pub use locate::{CpuPrior, PersonCandidate, PersonPrior, locate};
pub use matte::CpuMatte;
pub use plane::Plane;
pub use prepare::{CpuInput, prepare};
pub use refine::refine;
pub use repair::{CpuRepairedMatte, matte_stats, repair};
pub use rotate::rotate;
pub use stretch::stretch;
