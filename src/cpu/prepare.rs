//! The photo as the network sees it.

use fast_image_resize::images::{Image as Target, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::failed;
use crate::codec::Image;
use crate::error::Result;

/// `photo` at `size` by `size`, less `mean` over `std`: `[3, size, size]`, RGB, sRGB-encoded.
///
/// Antialiased Lanczos-3 in 8 bits, rounded after each of its two passes, as the photos the networks were trained on
/// were resized. The photo's alpha plays no part here: it multiplies the matte later.
pub fn prepare(photo: &Image, size: usize, mean: [f32; 3], std: [f32; 3]) -> Result<Vec<f32>> {
    let source = ImageRef::new(photo.width, photo.height, &photo.pixels, PixelType::U8x4).map_err(failed)?;
    let mut small = Target::new(size as u32, size as u32, PixelType::U8x4);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3)).use_alpha(false);
    Resizer::new().resize(&source, &mut small, &options).map_err(failed)?;
    let pixels = small.buffer().as_chunks::<4>().0;
    let mut planes = vec![0.0; 3 * size * size];
    for (channel, plane) in planes.chunks_exact_mut(size * size).enumerate() {
        for (value, pixel) in plane.iter_mut().zip(pixels) {
            *value = (pixel[channel] as f32 / 255.0 - mean[channel]) / std[channel];
        }
    }
    Ok(planes)
}
