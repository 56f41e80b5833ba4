//! The GPU engine: every stage as WGSL compute shaders on one wgpu device, which [`cameo_device`] opens for burn and
//! for this crate together.
//!
//! A photo crosses between host and device twice, in [`upload`](cameo_core::pipeline::Engine::upload) and
//! [`readback`](cameo_core::pipeline::Engine::readback). Between them the stages only record dispatches: but for the
//! probability of a person, what is found in a photo stays on the device. `transfer` makes every copy.
//!
//! The modules in reading order:
//!
//! - `engine`: [`GpuEngine`], which loads the networks and runs the stages; `network_runner`: its networks alone
//! - the stages, each in a file that is named as its shaders and as in the CPU engine: [`locate()`], [`prepare()`],
//!   `matte` (a forward pass on the layers of [`network`]), [`repair()`], [`refine()`], [`decontaminate()`],
//!   [`edge()`], [`enhance()`]
//! - `frame`: what the stages pass on; `row_bands`: pictures that are larger than a buffer binding may be
//! - `stretch`, `components`, `blur`, `roi_taps`, `rotate`, `taps_table`, `taps_cache`: steps that stages share
//! - `context`: the device with its [`kernels`] and their `params`, the `commands` that were recorded, its memory
//!   `pool`, its `transfer`s, the `counters` of all of them and the `kernel_timer`

mod engine;
mod network_runner;

mod decontaminate;
mod edge;
mod enhance;
mod locate;
pub mod network;
mod prepare;
mod readback;
mod refine;
mod repair;

mod blur;
mod components;
mod frame;
mod roi_taps;
mod rotate;
mod row_bands;
mod stretch;
mod taps_cache;
mod taps_table;

mod bind_groups;
mod commands;
mod context;
mod counters;
mod error;
mod kernel_timer;
pub mod kernels;
mod params;
mod pool;
mod transfer;

pub use context::{BufferLimits, GpuContext};
pub use counters::{GpuCounters, SharedCounters};
pub use decontaminate::decontaminate;
pub use edge::edge;
pub use engine::GpuEngine;
pub use enhance::{denoise, enhance};
pub use frame::{GpuFrame, GpuInput, GpuMatte, GpuPicture, GpuRepairedMatte, InputFormat};
pub use kernel_timer::{KernelTime, SharedKernelTimes};
pub use locate::{GpuPrior, locate, upload_roi};
pub use pool::{BufferPool, GpuBuffer};
pub use prepare::prepare;
pub use refine::refine;
pub use repair::repair;
pub use rotate::rotate;
pub use row_bands::RowBands;
