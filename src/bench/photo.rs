//! A photo of any size, made from the one that is built in.

use crate::codec::{self, Depth, Format, Image, Limits, Picture};
use crate::cpu::{self, Frame};
use crate::error::Result;
use crate::pipeline::{Enhancement, SAMPLE};

/// How far grain moves a sample, in 255ths: as sensors do in good light.
const GRAIN: i32 = 3;

/// A portrait of `width` by `height`, as a PNG; a part of one where that is smaller than the built-in photo.
///
/// Grain lies over it: enlarged pixels alone are smoother than photos, and would be packed faster than those.
pub fn photo(width: u32, height: u32) -> Result<Vec<u8>> {
    let photo = codec::decode(SAMPLE, &Limits::default())?;
    let enhancement = Enhancement {
        width: width.max(photo.width),
        height: height.max(photo.height),
        sharpening: None,
        denoises: false,
        noise_above: -1.0,
        depth: Depth::Eight,
    };
    let enlarged = cpu::enhance(Frame { photo, matte: None, census: None }, &enhancement);
    let Picture::Eight(mut image) = enlarged else { unreachable!("eight bits were asked for") };
    if image.width > width || image.height > height {
        image = corner(&image, width, height);
    }
    // The same on every machine.
    let mut seed = 1u32;
    for pixel in image.pixels.as_chunks_mut::<4>().0 {
        for sample in &mut pixel[..3] {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let grain = (seed >> 24) as i32 * (2 * GRAIN + 1) / 256 - GRAIN;
            *sample = (*sample as i32 + grain).clamp(0, 255) as u8;
        }
    }
    codec::encode(&image, Format::Png, None)
}

/// The first `width` by `height` pixels.
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
            let photo = codec::decode(&photo(size.0, size.1).unwrap(), &Limits::default()).unwrap();
            assert_eq!((photo.width, photo.height), size);
        }
    }
}
