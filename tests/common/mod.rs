//! What the test binaries share: pictures made by formula, goldens, and comparison.
#![allow(dead_code, reason = "each binary uses its part")]

use std::path::PathBuf;

use cameo_core::codec::{self, Image, InputLimits, Sample};
use cameo_core::pipeline::{CutoutOptions, Operation, Recipe};
use cameo_models::{Manifest, Network};

/// Returns the folder of the project, or what stands in for it on a machine without the checkout.
pub fn project() -> PathBuf {
    std::env::var_os("CAMEO_TEST_DATA").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
}

pub fn models() -> PathBuf {
    project().join("models")
}

pub fn astronaut() -> Image {
    picture("samples/astronaut.png")
}

pub fn picture(path: &str) -> Image {
    let bytes = std::fs::read(project().join(path)).unwrap();
    codec::decode(&bytes, &InputLimits::default()).unwrap()
}

/// A photo-like pattern: gradients, an edge, and noise that is the same on every machine.
pub fn pattern(width: u32, height: u32) -> Image {
    let mut pixels = Vec::with_capacity(4 * (width * height) as usize);
    let mut seed = 12345u32;
    for y in 0..height {
        for x in 0..width {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (seed >> 27) as i32 - 16;
            let edge = if (x + y / 3) % 97 < 40 { 70 } else { 0 };
            let tone = |base: u32| (base as i32 + noise + edge).clamp(0, 255) as u8;
            pixels.extend([tone(x * 180 / width), tone(y * 180 / height), tone((x + y) % 180), 255]);
        }
    }
    Image::new(width, height, pixels)
}

/// A soft disc in 0..1: full in the middle, nothing at the rim, grey between.
pub fn disc(width: u32, height: u32) -> Vec<f32> {
    let (cx, cy) = (width as f32 / 2.0, height as f32 / 2.0);
    let at = |i: u32| {
        let (x, y) = ((i % width) as f32 + 0.5 - cx, (i / width) as f32 + 0.5 - cy);
        let distance = (x / cx).hypot(y / cy);
        ((0.9 - distance) * 6.0).clamp(0.0, 1.0)
    };
    (0..width * height).map(at).collect()
}

/// `[3, size, size]` as a network wants it, from a picture of its size.
pub fn input(image: &Image, network: Network) -> Vec<f32> {
    let manifest = Manifest::read(&models()).unwrap();
    let entry = manifest.entry(network).unwrap();
    let pixels = image.pixels.as_chunks::<4>().0;
    let plane = |c: usize| pixels.iter().map(move |pixel| (pixel[c] as f32 / 255.0 - entry.mean[c]) / entry.std[c]);
    (0..3).flat_map(plane).collect()
}

/// A part of `image`.
pub fn crop(image: &Image, left: u32, top: u32, side: u32) -> Image {
    let rows = (top..top + side).flat_map(|y| {
        let start = 4 * (y * image.width + left) as usize;
        image.pixels[start..start + 4 * side as usize].iter().copied()
    });
    Image::new(side, side, rows.collect())
}

/// `image` with each pixel twice a row and each row twice.
pub fn doubled(image: &Image) -> Image {
    let pixels = image.pixels.as_chunks::<4>().0;
    let rows = pixels.chunks(image.width as usize).flat_map(|row| [row, row]);
    let pixels = rows.flatten().flat_map(|pixel| [*pixel, *pixel]).flatten().collect();
    Image::new(2 * image.width, 2 * image.height, pixels)
}

/// `image` between black bars of `height` pixels above and below.
pub fn between_bars(image: &Image, height: u32) -> Image {
    let bar = [0, 0, 0, 255].repeat((image.width * height) as usize);
    Image::new(image.width, image.height + 2 * height, [&bar[..], &image.pixels, &bar].concat())
}

/// `image` turned clockwise by a quarter.
pub fn quarter_turned(image: &Image) -> Image {
    let Image { width, height, .. } = *image;
    let pixels = image.pixels.as_chunks::<4>().0;
    let turned = (0..width).flat_map(|x| (0..height).rev().map(move |y| pixels[(y * width + x) as usize]));
    Image::new(height, width, turned.flatten().collect())
}

/// The alpha of `image`, in 0..255.
pub fn alpha(image: &Image) -> Vec<f32> {
    image.pixels.as_chunks::<4>().0.iter().map(|pixel| f32::from(pixel[3])).collect()
}

/// Returns a 16-bit grey picture of the project with values in 0..1.
pub fn golden(path: &str) -> Vec<f32> {
    let file = std::fs::File::open(project().join(path)).unwrap();
    let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().unwrap();
    assert_eq!(reader.info().bit_depth, png::BitDepth::Sixteen);
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut bytes).unwrap();
    bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair) as f32 / 65535.0).collect()
}

/// The largest and the mean difference.
#[derive(Debug, Clone, Copy)]
pub struct Difference {
    pub max: f32,
    pub mean: f64,
}

pub fn difference(found: &[f32], want: &[f32]) -> Difference {
    assert_eq!(found.len(), want.len());
    assert!(!found.is_empty());
    let each = found.iter().zip(want).map(|(found, want)| (found - want).abs());
    // A NaN must not pass as small.
    let max = each.clone().fold(0.0f32, |max, d| if d.is_nan() { f32::INFINITY } else { max.max(d) });
    Difference { max, mean: each.map(f64::from).sum::<f64>() / found.len() as f64 }
}

/// What is seen of a picture: alpha, and colour times alpha, in 0..255.
pub fn visible<T: Sample>(image: &Image<T>) -> Vec<f32> {
    let unit = |value: T| value.to_u64() as f32 / T::FULL as f32;
    let pixels = image.pixels.as_chunks::<4>().0.iter().map(|pixel| pixel.map(unit));
    pixels.flat_map(|[r, g, b, a]| [r * a, g * a, b * a, a]).map(|value| value * 255.0).collect()
}

/// A recipe with the small network.
pub fn u2netp_recipe(job: Operation) -> Recipe {
    let cutout = CutoutOptions { model: Network::U2NetP, ..Default::default() };
    Recipe { cutout, ..Recipe::new(job) }
}

/// The Python that `cargo xtask test` installs for the service's tests, with its packages beside it.
pub fn python() -> PathBuf {
    let path = std::env::var_os("CAMEO_TEST_PYTHON").expect("run the tests by `cargo xtask test`: it installs Python");
    PathBuf::from(path)
}
