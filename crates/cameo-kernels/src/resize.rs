//! Photos at the size of a network, resampled as Pillow does.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

/// A part of a photo, in pixels.
#[derive(Debug, Clone, Copy)]
pub struct CropRect {
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
}

/// Resamples `crop` of `pixels`, 8-bit RGBA of `[width, height]`, to `side` by `side` pixels.
///
/// The filter is an antialiased Lanczos-3, which rounds after each of its two passes. Alpha is filtered like the other
/// channels.
///
/// # Errors
/// If `pixels` are too few for the size, or `crop` is not within them.
pub fn resize_lanczos3(pixels: &[u8], [width, height]: [u32; 2], crop: CropRect, side: u32) -> Result<Vec<u8>, String> {
    let source = ImageRef::new(width, height, pixels, PixelType::U8x4).map_err(|error| error.to_string())?;
    let mut resized = Image::new(side, side, PixelType::U8x4);
    let [left, top, width, height] = [crop.left, crop.top, crop.width, crop.height].map(f64::from);
    let lanczos3 = ResizeAlg::Convolution(FilterType::Lanczos3);
    let options = ResizeOptions::new().resize_alg(lanczos3).use_alpha(false).crop(left, top, width, height);
    Resizer::new().resize(&source, &mut resized, &options).map_err(|error| error.to_string())?;
    Ok(resized.into_vec())
}
