//! Measures Cameo on this machine: time and memory per stage for photos of several sizes, memory growth over many
//! images, and the load that each stage puts on a GPU.
//!
//! [`measure`], [`soak`] and [`roofline`] run the same pipeline as the other commands, from encoded bytes to encoded
//! bytes. They get their engine from the caller.

mod error;
mod gpu_spec;
mod machine;
mod measure;
mod memory;
mod photo;
mod report;
mod roofline;
mod roofline_table;
mod run;
mod soak;
mod statistics;

pub use error::BenchError;
pub use gpu_spec::GpuSpec;
pub use machine::Machine;
pub use measure::measure;
pub use photo::photo;
pub use report::{BenchReport, EngineFigures, PhotoFigures, StageFigures};
pub use roofline::{KernelLoad, Roofline, RooflineOptions, StageLoad, roofline};
pub use soak::{SOAK_CYCLE, SoakResult, soak};
