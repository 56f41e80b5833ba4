//! The prepare stage: a part of the photo at a network's input size, normalised.

use std::array::from_fn;

use rayon::prelude::*;

use cameo_core::codec::Image;
use cameo_core::pipeline::EngineError;
use cameo_core::tuning::Roi;
use cameo_core::view::Rotation;
use cameo_kernels::resize::{CropRect, resize_lanczos3};

use crate::error::device_error;

/// The input of a network.
#[derive(Debug, Clone, PartialEq)]
pub struct CpuInput {
    /// The ROI resized to `size` by `size`, 8-bit RGBA.
    pub resized: Image,
    /// Its colours, less the mean, over the standard deviation: `[3, size, size]`, RGB, sRGB-encoded.
    pub planes: Vec<f32>,
    /// How the network sees them rotated.
    pub rotation: Rotation,
}

/// Resizes `roi` of `photo` to `size` by `size` and normalises its colours by `mean` and `std`; mirrors it left to
/// right if `mirrored`.
///
/// Antialiased Lanczos-3 in 8 bits, rounded after each of its two passes, as Pillow resizes. The photo's alpha is not
/// used here: the refine stage multiplies the matte by it.
///
/// # Errors
/// If `roi` does not lie within the photo.
pub fn prepare(
    photo: &Image,
    roi: &Roi,
    size: usize,
    mean: [f32; 3],
    std: [f32; 3],
    mirrored: bool,
) -> Result<CpuInput, EngineError> {
    let Roi { left, top, width, height } = *roi;
    let crop = CropRect { left, top, width, height };
    let pixels =
        resize_lanczos3(&photo.pixels, [photo.width, photo.height], crop, size as u32).map_err(device_error)?;
    let mut resized = Image::new(size as u32, size as u32, pixels);
    if mirrored {
        resized.pixels.as_chunks_mut::<4>().0.chunks_exact_mut(size).for_each(<[_]>::reverse);
    }
    let planes = normalize(resized.pixels.as_chunks().0, size, mean, std);
    Ok(CpuInput { resized, planes, rotation: Rotation::None })
}

/// Returns the colours of `pixels`, `width` pixels a row, less `mean`, over `std`: `[3, height, width]`.
fn normalize(pixels: &[[u8; 4]], width: usize, mean: [f32; 3], std: [f32; 3]) -> Vec<f32> {
    let height = pixels.len() / width;
    // The normalised value of each 8-bit value, per channel.
    let tables: [[f32; 256]; 3] = from_fn(|c| from_fn(|value| (value as f32 / 255.0 - mean[c]) / std[c]));
    let mut planes = vec![0.0; 3 * pixels.len()];
    planes.par_chunks_exact_mut(width).enumerate().for_each(|(row, values)| {
        let (channel, pixels) = (row / height, &pixels[row % height * width..][..width]);
        for (value, pixel) in values.iter_mut().zip(pixels) {
            *value = tables[channel][pixel[channel] as usize];
        }
    });
    planes
}
