//! The network's matte, brought to the photo.

use fast_image_resize::images::{Image as Target, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use rayon::prelude::*;

use super::{Plane, failed};
use crate::codec::Image;
use crate::error::Result;

/// Below this range the network saw no subject, and stretching would only raise noise.
pub const MIN_RANGE: f32 = 1e-6;

/// Stretches `matte` to 0..1 as rembg does, resamples it to the size of `photo` by antialiased Lanczos-3, and
/// multiplies it by the photo's own alpha.
pub fn refine(mut matte: Plane, photo: &Image) -> Result<Plane> {
    let (low, high) = matte.values.iter().fold((f32::MAX, f32::MIN), |(low, high), &v| (low.min(v), high.max(v)));
    let range = high - low;
    for value in &mut matte.values {
        *value = if range < MIN_RANGE { 0.0 } else { (*value - low) / range };
    }
    let bytes = bytemuck::cast_slice(&matte.values);
    let source = ImageRef::new(matte.width, matte.height, bytes, PixelType::F32).map_err(failed)?;
    let (width, height) = (photo.width, photo.height);
    let mut values = vec![0f32; width as usize * height as usize];
    let mut large =
        Target::from_slice_u8(width, height, bytemuck::cast_slice_mut(&mut values), PixelType::F32).map_err(failed)?;
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    Resizer::new().resize(&source, &mut large, &options).map_err(failed)?;
    let rows = values.par_chunks_mut(width as usize).zip(photo.pixels.par_chunks(4 * width as usize));
    rows.for_each(|(row, pixels)| {
        for (value, pixel) in row.iter_mut().zip(pixels.as_chunks::<4>().0) {
            *value = value.clamp(0.0, 1.0) * (pixel[3] as f32 / 255.0);
        }
    });
    Ok(Plane { width, height, values })
}
