//! What is done to a cut-out after its readback: cropping to the subject, and compositing onto a background colour.

use rayon::prelude::*;

use super::options::{Color, CutoutOptions};
use super::report::Foreground;
use crate::codec::{Image, Profile, Sample};

/// Pixels with a lower alpha do not count as subject: a matte's faint haze must not widen the crop.
const SUBJECT_ALPHA: f32 = 0.05;

/// Pixels that are compared together, which the compiler vectorises.
const CHUNK: usize = 32;

/// Pixels that a thread composites in one piece of work.
const PIXELS_PER_TASK: usize = 1 << 16;

/// A rectangle `[left, top, right, bottom]` in pixels; right and bottom are exclusive.
type Bounds = [usize; 4];

/// Crops `image` and composites it onto the background as `options` ask. Returns the image and the bounding box of its
/// subject.
pub(super) fn finish<T: Sample>(
    image: Image<T>,
    options: &CutoutOptions,
    profile: Option<&Profile>,
) -> (Image<T>, Option<Foreground>) {
    let (image, bounds) = match (options.crop, subject_bounds(&image)) {
        (Some(margin), Some(bounds)) => crop(image, bounds, margin),
        (_, bounds) => (image, bounds),
    };
    let foreground = bounds.map(|[left, top, right, bottom]| Foreground {
        left: left as u32,
        top: top as u32,
        width: (right - left) as u32,
        height: (bottom - top) as u32,
    });
    let image = match options.background {
        Some(Color(color)) => composite(image, profile.map_or(color, |profile| profile.convert_from_srgb(color))),
        None => image,
    };
    (image, foreground)
}

/// Returns the bounding box of the subject; `None` if there is no subject.
fn subject_bounds<T: Sample>(image: &Image<T>) -> Option<Bounds> {
    let min_alpha = T::from_unit(SUBJECT_ALPHA);
    let rows = image.pixels.as_chunks::<4>().0.par_chunks_exact(image.width as usize).enumerate();
    let row_bounds = rows.filter_map(|(y, row)| {
        let solid = |pixel: &[T; 4]| pixel[3] >= min_alpha;
        let any_solid = |chunk: &[[T; 4]]| chunk.iter().fold(false, |any, pixel| any | solid(pixel));
        let start = CHUNK * row.chunks(CHUNK).position(any_solid)?;
        let first = start + row[start..].iter().position(solid)?;
        let end = row.len() - CHUNK * row.rchunks(CHUNK).position(any_solid)?;
        let last = row[..end].iter().rposition(solid)?;
        Some([first, y, last + 1, y + 1])
    });
    row_bounds
        .reduce_with(|[left, top, right, bottom], [l, t, r, b]| [left.min(l), top.min(t), right.max(r), bottom.max(b)])
}

/// Crops `image` to `bounds` with a margin of `margin` times the longer side, within the image. Returns the bounds in
/// the cropped image too.
fn crop<T: Sample>(image: Image<T>, bounds: Bounds, margin: f64) -> (Image<T>, Option<Bounds>) {
    let [left, top, right, bottom] = bounds;
    let margin = (margin * (right - left).max(bottom - top) as f64).round() as usize;
    let (from_x, from_y) = (left.saturating_sub(margin), top.saturating_sub(margin));
    let (to_x, to_y) = ((right + margin).min(image.width as usize), (bottom + margin).min(image.height as usize));
    let mut pixels = Vec::with_capacity((to_x - from_x) * (to_y - from_y) * 4);
    for row in image.pixels.chunks_exact(image.width as usize * 4).take(to_y).skip(from_y) {
        pixels.extend_from_slice(&row[from_x * 4..to_x * 4]);
    }
    let image = Image::new((to_x - from_x) as u32, (to_y - from_y) as u32, pixels);
    (image, Some([left - from_x, top - from_y, right - from_x, bottom - from_y]))
}

/// Composites the image onto `color`, in encoded values as browsers and image editors do. The result is opaque.
fn composite<T: Sample>(mut image: Image<T>, color: [u8; 3]) -> Image<T> {
    let full = T::FULL;
    let background = color.map(|tone| u64::from(tone) * full / 255);
    image.pixels.as_chunks_mut::<4>().0.par_chunks_mut(PIXELS_PER_TASK).flatten_iter().for_each(|pixel| {
        let alpha = pixel[3].to_u64();
        for (channel, background) in pixel.iter_mut().zip(&background) {
            *channel = T::from_u64((channel.to_u64() * alpha + background * (full - alpha) + full / 2) / full);
        }
        pixel[3] = T::from_u64(full);
    });
    image
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A 6x5 picture, clear but for an opaque red pixel at (2, 1) and a faint one at (5, 4).
    fn picture() -> Image {
        let mut pixels = vec![0; 6 * 5 * 4];
        pixels[(6 + 2) * 4..(6 + 2) * 4 + 4].copy_from_slice(&[200, 10, 20, 255]);
        pixels[(4 * 6 + 5) * 4..].copy_from_slice(&[9, 9, 9, 5]);
        Image::new(6, 5, pixels)
    }

    fn cropped(image: Image, margin: f64) -> (Image, Option<Foreground>) {
        finish(image, &CutoutOptions { crop: Some(margin), ..Default::default() }, None)
    }

    #[test]
    fn a_crop_keeps_the_subject_and_its_margin_within_the_picture() {
        let (tight, _) = cropped(picture(), 0.0);
        assert_eq!((tight.width, tight.height, tight.pixels), (1, 1, vec![200, 10, 20, 255]));
        let (wide, foreground) = cropped(picture(), 1.0);
        assert_eq!((wide.width, wide.height), (3, 3));
        assert_eq!(wide.pixels[4 * 4..5 * 4], [200, 10, 20, 255]);
        assert_eq!(foreground, Some(Foreground { left: 1, top: 1, width: 1, height: 1 }));
    }

    #[test]
    fn a_picture_without_a_subject_is_not_cropped() {
        let clear = Image::new(3, 2, vec![0u8; 24]);
        assert_eq!(cropped(clear.clone(), 0.1), (clear, None));
    }

    #[test]
    fn a_background_shows_through_what_is_not_opaque() {
        let image = Image::new(3, 1, vec![200u8, 0, 100, 255, 0, 0, 0, 0, 200, 0, 100, 51]);
        let composited = composite(image, [100, 255, 0]);
        assert_eq!(composited.pixels, [200, 0, 100, 255, 100, 255, 0, 255, 120, 204, 20, 255]);
        let sixteen = composite(Image::new(1, 1, vec![65535u16, 0, 0, 32768]), [0, 255, 0]);
        assert_eq!(sixteen.pixels, [32768, 32767, 0, 65535]);
    }
}
