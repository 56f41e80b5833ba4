//! Image bytes to pixels and back. Only this module names the crates of image formats.
//!
//! Every image that [`decode`] returns is upright 8-bit RGBA with straight alpha, whatever its file held. Its colours
//! are sRGB, unless [`decode_keeping_p3`] keeps those of a Display P3 photo.

mod color;
mod decode;
mod decoded;
mod encode;
mod encoding;
mod error;
mod exif;
mod format;
mod header;
mod jpeg;
mod jpeg_bits;
mod jpeg_header;
mod jpeg_progressive;
mod jpeg_stream;
mod limits;
mod picture;
mod png;
mod png_bands;
mod png_color;
mod png_deflate;
mod png_huffman;
mod sample;
mod tiff;

pub use color::Profile;
pub use decode::{decode, decode_keeping_p3};
pub use encode::{encode, encode_matte};
pub use encoding::{Compression, Encoding, Format};
pub use error::CodecError;
pub use header::{ImageHeader, header, header_of_file};
pub use limits::InputLimits;
pub use picture::{Image, Picture};
pub use sample::{Depth, Sample};
