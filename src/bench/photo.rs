//! A photo of any size, made from the built-in portrait.

use cameo_core::codec::{self, CodecError, Depth, Format, Image, InputLimits, Picture};
use cameo_core::pipeline::Enhancement;
use cameo_cpu::CpuFrame;

/// The largest change of a sample by the grain, in 255ths; sensors have as much in good light.
const GRAIN: i32 = 3;

/// Returns a portrait of `width` by `height` pixels as PNG: the built-in one enlarged, or a corner of it.
///
/// Grain is added to the enlarged pixels, which would otherwise be smoother than a photo and compress faster.
///
/// # Errors
/// [`CodecError::Encode`].
pub fn photo(width: u32, height: u32) -> Result<Vec<u8>, CodecError> {
    let portrait = codec::decode(cameo_models::SELF_TEST_PORTRAIT, &InputLimits::default())?;
    let enhancement = Enhancement {
        width: width.max(portrait.width),
        height: height.max(portrait.height),
        sharpening: None,
        denoises: false,
        noise_above: -1.0,
        depth: Depth::Eight,
    };
    let enlarged = cameo_cpu::enhance(CpuFrame::new(portrait), &enhancement);
    let Picture::Eight(mut image) = enlarged else { unreachable!("the enhancement asks for eight bits") };
    if image.width > width || image.height > height {
        image = corner(&image, width, height);
    }
    add_grain(&mut image);
    codec::encode(&image, Format::Png, None)
}

/// Adds grain that is the same on every machine.
fn add_grain(image: &mut Image) {
    let mut seed = 1u32;
    for pixel in image.pixels.as_chunks_mut::<4>().0 {
        for sample in &mut pixel[..3] {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let grain = (seed >> 24) as i32 * (2 * GRAIN + 1) / 256 - GRAIN;
            *sample = (*sample as i32 + grain).clamp(0, 255) as u8;
        }
    }
}

/// Returns the first `width` by `height` pixels.
fn corner(image: &Image, width: u32, height: u32) -> Image {
    let rows = image.pixels.chunks_exact(image.width as usize * 4).take(height as usize);
    let pixels = rows.flat_map(|row| &row[..width as usize * 4]).copied().collect();
    Image::new(width, height, pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photo_has_the_size_that_was_asked_for() {
        for size in [(100, 100), (320, 320), (701, 333), (90, 400)] {
            let photo = codec::decode(&photo(size.0, size.1).unwrap(), &InputLimits::default()).unwrap();
            assert_eq!((photo.width, photo.height), size);
        }
    }
}
