//! The photo enlarged and sharpened: Lanczos-3 on premultiplied colour, an unsharp mask kept within the range of what
//! is around, and packing.
//!
//! The result is made in bands of rows, each on one core and small enough for its cache; every band reads the rows
//! its filters reach, so that bands leave no seam.

use fast_image_resize::images::{Image as Target, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use rayon::prelude::*;

use super::denoise::{denoise, noise_of};
use super::span::Around;
use super::{Frame, failed, sharpen};
use crate::codec::{Depth, Image, Picture, Sample};
use crate::error::{Error, Result};
use crate::pipeline::Enhancement;
use crate::taps;

/// Rows of the result in a band.
const BAND_ROWS: usize = 128;

/// Rows beyond a band's own that Lanczos-3 may read when enlarging: its radius, and one for rounding.
const LANCZOS_REACH: usize = 4;

/// One pixel: premultiplied sRGB-encoded red, green, blue, and alpha, 16 bits each.
pub type Premultiplied = [u16; 4];

/// `frame` at the size of `enhancement`, sharpened; colours are 0 where alpha is 0.
pub fn enhance(frame: Frame, enhancement: &Enhancement) -> Result<Picture> {
    match enhancement.depth {
        Depth::Eight => enhance_to::<u8>(frame, enhancement).map(Sample::picture),
        Depth::Sixteen => enhance_to::<u16>(frame, enhancement).map(Sample::picture),
    }
}

fn enhance_to<T: Sample>(mut frame: Frame, enhancement: &Enhancement) -> Result<Image<T>> {
    let Enhancement { width, height, mut sharpening, denoises, .. } = *enhancement;
    if denoises {
        let noise = noise_of(&frame, enhancement.noise_above);
        if noise > 0.0 {
            frame.photo = denoise(&frame, noise);
        }
        if let Some(sharpening) = &mut sharpening {
            sharpening.threshold += noise;
        }
    }
    let frame = &frame;
    let row = 4 * width as usize;
    let mut pixels = vec![T::exactly(0); row * height as usize];
    pixels.par_chunks_mut(BAND_ROWS * row).enumerate().try_for_each(|(i, out)| {
        let rows = i * BAND_ROWS..i * BAND_ROWS + out.len() / row;
        let halo = sharpening.map_or(0, |sharpening| taps::gaussian(sharpening.sigma).len() / 2);
        let wide = rows.start.saturating_sub(halo)..(rows.end + halo).min(height as usize);
        let band = resample(frame, width, height, &wide)?;
        let own = rows.start - wide.start..rows.end - wide.start;
        match sharpening {
            Some(sharpening) => {
                let around = Around::new(frame, width as usize, height as usize, rows);
                sharpen::sharpen(&band, width as usize, own, &sharpening, &around, out);
            }
            None => {
                let own = &band[own.start * width as usize..own.end * width as usize];
                for (out, pixel) in out.as_chunks_mut::<4>().0.iter_mut().zip(own) {
                    let [r, g, b, alpha] = pixel.map(|value| value as f32 / 65535.0);
                    let by = 1.0 / alpha.max(1e-6);
                    *out = pack([r * by, g * by, b * by, alpha]);
                }
            }
        }
        Ok::<(), Error>(())
    })?;
    Ok(Image { width, height, pixels })
}

/// Rows `rows` of the premultiplied frame at `width` by `height`.
fn resample(frame: &Frame, width: u32, height: u32, rows: &std::ops::Range<usize>) -> Result<Vec<Premultiplied>> {
    let photo = &frame.photo;
    let scale = photo.height as f64 / height as f64;
    let top = rows.start as f64 * scale;
    let size = rows.len() as f64 * scale;
    let first = (top.floor() as usize).saturating_sub(LANCZOS_REACH);
    let last = ((top + size).ceil() as usize + LANCZOS_REACH).min(photo.height as usize);
    if (width, height) == (photo.width, photo.height) {
        return Ok(premultiply(frame, rows));
    }
    // What lies past the last row by a rounding would be refused.
    let top = top - first as f64;
    let size = size.min((last - first) as f64 - top);
    let window = premultiply(frame, &(first..last));
    let bytes = bytemuck::cast_slice(&window);
    let source = ImageRef::new(photo.width, (last - first) as u32, bytes, PixelType::U16x4).map_err(failed)?;
    let mut band = vec![[0u16; 4]; width as usize * rows.len()];
    let target = bytemuck::cast_slice_mut(&mut band);
    let mut target = Target::from_slice_u8(width, rows.len() as u32, target, PixelType::U16x4).map_err(failed)?;
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3)).use_alpha(false).crop(
        0.0,
        top,
        photo.width as f64,
        size,
    );
    Resizer::new().resize(&source, &mut target, &options).map_err(failed)?;
    Ok(band)
}

/// Rows `rows` of the photo, its colours times its matte, or times its own alpha if it has none.
fn premultiply(frame: &Frame, rows: &std::ops::Range<usize>) -> Vec<Premultiplied> {
    let width = frame.photo.width as usize;
    let range = rows.start * width..rows.end * width;
    let pixels = &frame.photo.pixels.as_chunks::<4>().0[range.clone()];
    let scaled = |[r, g, b]: [u8; 3], alpha: f32| {
        let by = alpha * 257.0;
        let tone = |tone: u8| (tone as f32 * by + 0.5) as u16;
        [tone(r), tone(g), tone(b), (alpha * 65535.0 + 0.5) as u16]
    };
    match &frame.matte {
        Some(matte) => {
            let alphas = &matte.values[range];
            pixels.iter().zip(alphas).map(|(&[r, g, b, _], &alpha)| scaled([r, g, b], alpha)).collect()
        }
        None => pixels.iter().map(|&[r, g, b, a]| scaled([r, g, b], a as f32 / 255.0)).collect(),
    }
}

/// A straight pixel in 0..1, rounded; colours are 0 where alpha is.
#[inline]
pub fn pack<T: Sample>(pixel: [f32; 4]) -> [T; 4] {
    let packed = pixel.map(T::of);
    let none = T::exactly(0);
    if packed[3] == none { [none; 4] } else { packed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::{Job, Recipe};

    #[test]
    fn every_height_is_enlarged_by_every_factor() {
        for scale in [1.25, 1.37, 1.5, 2.0, 2.5, 3.0, 4.0] {
            for height in 1..300 {
                let photo = Image::new(2, height, vec![200; 8 * height as usize]);
                let recipe = Recipe { scale: Some(scale), ..Recipe::new(Job::Enhance) };
                let enhancement = recipe.enhancement(2, height, u64::MAX).unwrap();
                let made = enhance(Frame { photo, matte: None, census: None }, &enhancement);
                let Picture::Eight(made) = made.unwrap_or_else(|error| panic!("{height} {scale}: {error}")) else {
                    panic!("16 bits")
                };
                assert!(made.pixels.iter().all(|&value| value == 200), "{height} {scale}");
            }
        }
    }
}
