//! Cameo cuts a portrait out of its background and enhances it, on the GPU, or on the CPU where there is none.
//!
//! This crate is the program: the command line and the measurements behind `cameo bench`. The work is done by the
//! crates below `crates/`, `models/` and `shaders/`; ARCHITECTURE.md has the drawing of the pipeline and the map of the
//! crates.
//!
//! - [`cli`]: the commands, their flags and the configuration file; they choose the engine
//! - [`mod@bench`]: what each stage costs on this machine

pub mod bench;
pub mod cli;
