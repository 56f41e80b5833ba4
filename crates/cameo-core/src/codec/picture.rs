//! Pixels in memory.

/// An upright image with straight alpha: four interleaved samples per pixel (red, green, blue, alpha), rows from the
/// top, no padding. Samples span the whole range of their type. Colours are sRGB, or Display P3 if the image was
/// decoded by [`decode_keeping_p3`](super::decode_keeping_p3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image<T = u8> {
    pub width: u32,
    pub height: u32,
    pub pixels: Vec<T>,
}

impl<T> Image<T> {
    /// Returns the image of `pixels`.
    ///
    /// # Panics
    /// If `pixels` does not have four samples per pixel.
    pub fn new(width: u32, height: u32, pixels: Vec<T>) -> Self {
        assert_eq!(pixels.len(), width as usize * height as usize * 4, "four samples per pixel");
        Self { width, height, pixels }
    }
}

/// A finished picture at the bit depth that the recipe asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Picture {
    Eight(Image),
    Sixteen(Image<u16>),
}

impl From<Image> for Picture {
    fn from(image: Image) -> Self {
        Self::Eight(image)
    }
}

impl From<Image<u16>> for Picture {
    fn from(image: Image<u16>) -> Self {
        Self::Sixteen(image)
    }
}
