//! Cameo cuts a portrait out of its background and enhances it, on the GPU, or on the CPU where there is none.
//!
//! ```text
//! bytes -decode-> Image -upload-> Frame -guide-> Guide -prepare-> Input -matte-> Matte -lift-> Lifted -refine-> Frame
//!     -decontaminate-> Frame -edge-> Frame -enhance-> Picture -readback-> Image -encode-> bytes
//! ```
//!
//! The rooms, in reading order:
//!
//! - [`cameo_core`] (`src/core`, a crate of its own), which holds the next six:
//! - [`pipeline`]: the road above, one line a stage; the `Recipe` of a result; the trait both engines implement
//! - [`codec`]: bytes to pixels and back
//! - [`taps`]: filter tables both engines share
//! - [`rules`]: the numbers of the matte's stages
//! - [`cpu`]: the stages on the CPU
//! - [`error`]: what can go wrong, sorted by whose fault it is
//! - [`cameo_matting`] (`src/matting`, a crate of its own): the networks that find the subject
//! - [`gpu`]: the stages on the GPU
//! - [`cameo_tasks`] (`src/tasks`, a crate of its own): tasks, accounts and files, kept so that a crash loses nothing
//! - [`worker`]: the process that runs tasks, and the supervisor that keeps such processes alive
//! - [`mod@bench`]: what the road costs on this machine
//! - [`accounts`]: passwords and the keys of tokens, at rest
//! - [`http`]: the API
//! - [`config`]: what the machine's owner may set
//! - [`cli`]: the commands

pub mod accounts;
pub mod bench;
pub mod cli;
pub mod config;
pub mod gpu;
pub mod http;
pub mod worker;

pub use cameo_core::{codec, cpu, error, pipeline, rules, taps};
