//! Bytes to pixels and back: the only room that names an image format's crate.
//!
//! Every picture that leaves [`decode`] is upright, sRGB, 8-bit RGBA with straight alpha, whatever came in.

mod color;
mod decode;
mod encode;
mod header;

pub use decode::{Limits, decode};
pub use encode::{Format, encode, encode_matte};
pub use header::{Header, header};

/// An upright picture: sRGB, straight alpha, 8 bits, rows from the top, `4 * width * height` bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    pub width: u32,
    pub height: u32,
    pub pixels: Vec<u8>,
}

impl Image {
    /// # Panics
    /// If `pixels` does not have four bytes a pixel.
    pub fn new(width: u32, height: u32, pixels: Vec<u8>) -> Self {
        assert_eq!(pixels.len(), width as usize * height as usize * 4, "four bytes a pixel");
        Self { width, height, pixels }
    }
}
