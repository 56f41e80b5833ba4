//! Bytes to pixels and back: the only room that names an image format's crate.
//!
//! Every picture that leaves [`decode`] is upright, 8-bit RGBA with straight alpha, whatever came in; and sRGB, unless
//! its own colours were to be kept.

mod bands;
mod color;
mod decode;
mod encode;
mod header;
mod jpeg;
mod sample;

pub use color::Profile;
pub use decode::{Limits, decode, decode_keeping};
pub use encode::{Compression, Encoding, Format, encode, encode_matte};
pub use header::{Header, header, header_of};
pub use sample::{Depth, Sample};

/// An upright picture: straight alpha, four samples a pixel, rows from the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image<T = u8> {
    pub width: u32,
    pub height: u32,
    pub pixels: Vec<T>,
}

impl<T> Image<T> {
    /// # Panics
    /// If `pixels` does not have four samples a pixel.
    pub fn new(width: u32, height: u32, pixels: Vec<T>) -> Self {
        assert_eq!(pixels.len(), width as usize * height as usize * 4, "four samples a pixel");
        Self { width, height, pixels }
    }
}

/// A finished picture, at the depth that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Picture {
    Eight(Image),
    Sixteen(Image<u16>),
}
