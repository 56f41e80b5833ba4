//! `cargo xtask gpu-kit`: what measures Cameo on a GPU host that has a driver and nothing else.
//!
//! The kit consists of two folders, because IS-Net's weights are large and transfers to such hosts are limited. Each has
//! a `run.sh` that starts a copy of this program there. Part 1 unpacks the programs and measures with U2-Net-p; part 2,
//! on the same host, completes the weights of IS-Net and measures with it. CONTRIBUTING.md shows how to use them.

mod archive;
mod batch;
mod bench;
mod pack;
mod pictures;
mod process;
mod report;
mod run;
mod step;
mod steps;

use std::process::Command;

use crate::target_folder;

pub use pack::pack;
pub use run::{RunArgs, run};

/// Packs the kit and runs part 1 on the software adapter, so that the kit cannot break unnoticed.
pub fn test() -> Result<(), String> {
    let folder = target_folder().join("gpu-kit");
    pack(&folder)?;
    let mut part = Command::new("sh");
    part.arg(folder.join("part-1/run.sh")).args(["--quick", "--allow-software", "--results"]).arg(&folder);
    crate::process::run(part.env("CAMEO_KIT", folder.join("unpacked")))
}
