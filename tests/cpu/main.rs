//! The pipeline on the CPU, the codecs and the command line: none of these tests needs a GPU.

#[path = "../common/mod.rs"]
mod common;

mod codec;
mod command_line;
mod networks;
mod pipeline;
