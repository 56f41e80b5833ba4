//! The pipeline on the CPU, the codecs and the command line: none of these tests needs a GPU.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;

mod codec;
mod command_files;
mod command_line;
mod corpus;
mod foreign_files;
mod networks;
mod pipeline;
mod png_color;
mod self_test;
mod tiff;
