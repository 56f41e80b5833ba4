//! The road on the CPU, the codec and the command line: no GPU is needed.

#[path = "../common/mod.rs"]
mod common;

mod codec;
mod command_line;
mod networks;
mod road;
