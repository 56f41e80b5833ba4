//! Photos at the size of a network, as those that it was trained on were resized.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

/// A part of a photo, in its pixels.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
}

/// `part` of `pixels`, RGBA of 8 bits and `[width, height]` large, at `side` by `side`: antialiased Lanczos-3, rounded
/// after each of its two passes. Alpha is a channel like the others.
///
/// # Errors
/// If there are fewer pixels than that, or the part is not in them.
pub fn shrink(pixels: &[u8], [width, height]: [u32; 2], part: Part, side: u32) -> Result<Vec<u8>, String> {
    let source = ImageRef::new(width, height, pixels, PixelType::U8x4).map_err(|error| error.to_string())?;
    let mut small = Image::new(side, side, PixelType::U8x4);
    let [left, top, width, height] = [part.left, part.top, part.width, part.height].map(f64::from);
    let lanczos = ResizeAlg::Convolution(FilterType::Lanczos3);
    let options = ResizeOptions::new().resize_alg(lanczos).use_alpha(false).crop(left, top, width, height);
    Resizer::new().resize(&source, &mut small, &options).map_err(|error| error.to_string())?;
    Ok(small.into_vec())
}
