//! The picture that the samples of a TIFF make.

use image::{DynamicImage, ImageBuffer};

use super::color::Color;
use super::layout::TiffLayout;
use crate::codec::color::srgb_from_cmyk8;
use crate::codec::decoded::undecodable;
use crate::codec::error::CodecError;
use crate::codec::sample::Sample;

/// Makes the picture of `samples`, which hold the [channels](TiffLayout::channels) of each pixel.
///
/// CMYK is converted to sRGB by the file's profile; other colours keep their values.
pub(super) fn picture<T: TiffSample>(layout: &TiffLayout, mut samples: Vec<T>) -> Result<DynamicImage, CodecError> {
    let channels = layout.channels().len();
    let has_alpha = layout.alpha.is_some();
    if layout.alpha.is_some_and(|alpha| alpha.associated) {
        if !matches!(layout.color, Color::Grey { .. } | Color::Rgb) {
            return Err(CodecError::Unsupported("TIFF with associated alpha in these colours".into()));
        }
        samples.chunks_exact_mut(channels).for_each(divide_by_alpha);
    }
    let size = [layout.width, layout.height];
    let picture = match &layout.color {
        Color::Grey { .. } if has_alpha => T::grey_alpha(size, samples),
        Color::Grey { .. } => T::grey(size, samples),
        Color::Rgb if has_alpha => T::rgba(size, samples),
        Color::Rgb => T::rgb(size, samples),
        Color::Palette(colors) => {
            let color = |pixel: &[T]| colors.get(pixel[0].to_u64() as usize).copied().unwrap_or_default();
            rgba8(size, &samples, channels, has_alpha, color)
        }
        Color::YCbCr(conversion) => rgba8(size, &samples, channels, has_alpha, |pixel: &[T]| {
            conversion.to_rgb([0, 1, 2].map(|at| pixel[at].to_8_bits()))
        }),
        Color::Cmyk => {
            let inks = samples.chunks_exact(channels).flat_map(|pixel| pixel[..4].iter().map(|ink| ink.to_8_bits()));
            let mut pixels = srgb_from_cmyk8(&inks.collect::<Vec<u8>>(), layout.icc.as_deref());
            if has_alpha {
                let alphas = samples.chunks_exact(channels).map(|pixel| pixel[4].to_8_bits());
                pixels.as_chunks_mut::<4>().0.iter_mut().zip(alphas).for_each(|(pixel, alpha)| pixel[3] = alpha);
            }
            u8::rgba(size, pixels)
        }
    };
    picture.ok_or_else(|| undecodable("its pixels do not fill it"))
}

/// Converts the colour of each pixel of `samples` by `color` to RGB; alpha is kept, or full.
fn rgba8<T: TiffSample>(
    size: [u32; 2],
    samples: &[T],
    channels: usize,
    has_alpha: bool,
    color: impl Fn(&[T]) -> [u8; 3],
) -> Option<DynamicImage> {
    let pixels = samples.chunks_exact(channels).flat_map(|pixel| {
        let [red, green, blue] = color(pixel);
        let alpha = if has_alpha { pixel[channels - 1].to_8_bits() } else { 255 };
        [red, green, blue, alpha]
    });
    u8::rgba(size, pixels.collect())
}

/// Divides the colours of a pixel by its last sample, alpha.
fn divide_by_alpha<T: TiffSample>(pixel: &mut [T]) {
    let Some((alpha, colors)) = pixel.split_last_mut() else { return };
    let alpha = alpha.to_u64();
    for color in colors {
        let straight = (color.to_u64() * T::FULL + alpha / 2).checked_div(alpha).unwrap_or(0);
        *color = T::from_u64(straight.min(T::FULL));
    }
}

/// A sample of 8 or 16 bits, and the pictures that such samples make. `None` if they do not fill their size.
pub(super) trait TiffSample: Sample {
    fn grey(size: [u32; 2], samples: Vec<Self>) -> Option<DynamicImage>;
    fn grey_alpha(size: [u32; 2], samples: Vec<Self>) -> Option<DynamicImage>;
    fn rgb(size: [u32; 2], samples: Vec<Self>) -> Option<DynamicImage>;
    fn rgba(size: [u32; 2], samples: Vec<Self>) -> Option<DynamicImage>;

    fn to_8_bits(self) -> u8 {
        ((self.to_u64() * 255 + Self::FULL / 2) / Self::FULL) as u8
    }
}

macro_rules! tiff_sample {
    ($kind:ty, $grey:ident, $grey_alpha:ident, $rgb:ident, $rgba:ident) => {
        impl TiffSample for $kind {
            fn grey([width, height]: [u32; 2], samples: Vec<Self>) -> Option<DynamicImage> {
                ImageBuffer::from_raw(width, height, samples).map(DynamicImage::$grey)
            }

            fn grey_alpha([width, height]: [u32; 2], samples: Vec<Self>) -> Option<DynamicImage> {
                ImageBuffer::from_raw(width, height, samples).map(DynamicImage::$grey_alpha)
            }

            fn rgb([width, height]: [u32; 2], samples: Vec<Self>) -> Option<DynamicImage> {
                ImageBuffer::from_raw(width, height, samples).map(DynamicImage::$rgb)
            }

            fn rgba([width, height]: [u32; 2], samples: Vec<Self>) -> Option<DynamicImage> {
                ImageBuffer::from_raw(width, height, samples).map(DynamicImage::$rgba)
            }
        }
    };
}

tiff_sample!(u8, ImageLuma8, ImageLumaA8, ImageRgb8, ImageRgba8);
tiff_sample!(u16, ImageLuma16, ImageLumaA16, ImageRgb16, ImageRgba16);
