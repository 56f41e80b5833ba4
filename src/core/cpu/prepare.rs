//! The photo as a network sees it.

use std::array::from_fn;

use cameo_shrink::{Part, shrink};
use rayon::prelude::*;

use super::failed;
use crate::codec::Image;
use crate::error::Result;
use crate::rules::Window;

/// What a network sees.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// The part of the photo, `size` by `size`, 8 bits.
    pub small: Image,
    /// The same less mean over deviation: `[3, size, size]`, RGB, sRGB-encoded.
    pub planes: Vec<f32>,
}

/// The part of `photo` in `window` at `size` by `size`, less `mean` over `std`; `mirrored` left to right if asked.
///
/// Antialiased Lanczos-3 in 8 bits, rounded after each of its two passes, as the photos the networks were trained on
/// were resized. The photo's alpha plays no part here: it multiplies the matte later.
pub fn prepare(
    photo: &Image,
    window: &Window,
    size: usize,
    [mean, std]: [[f32; 3]; 2],
    mirrored: bool,
) -> Result<Input> {
    let Window { left, top, width, height } = *window;
    let part = Part { left, top, width, height };
    let pixels = shrink(&photo.pixels, [photo.width, photo.height], part, size as u32).map_err(failed)?;
    let mut small = Image::new(size as u32, size as u32, pixels);
    if mirrored {
        small.pixels.as_chunks_mut::<4>().0.chunks_exact_mut(size).for_each(<[_]>::reverse);
    }
    let pixels = small.pixels.as_chunks::<4>().0;
    // What becomes of each tone.
    let tables: [[f32; 256]; 3] =
        from_fn(|channel| from_fn(|tone| (tone as f32 / 255.0 - mean[channel]) / std[channel]));
    let mut planes = vec![0.0; 3 * size * size];
    planes.par_chunks_exact_mut(size).enumerate().for_each(|(row, values)| {
        let (channel, pixels) = (row / size, &pixels[row % size * size..][..size]);
        for (value, pixel) in values.iter_mut().zip(pixels) {
            *value = tables[channel][pixel[channel] as usize];
        }
    });
    Ok(Input { small, planes })
}
