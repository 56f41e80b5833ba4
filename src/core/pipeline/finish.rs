//! What is done to a cut-out once it is back on the host: cropped to its subject, laid on a background.

use rayon::prelude::*;

use super::{Color, CutoutOptions, Foreground};
use crate::codec::{Image, Profile, Sample};

/// Alpha below this is no subject: a matte's faint haze must not widen the crop.
const SUBJECT_ALPHA: f32 = 0.05;

/// Pixels that are looked at side by side.
const PIECE: usize = 32;

/// Pixels that a thread lays on the background at once.
const AT_ONCE: usize = 1 << 16;

/// Crops `image` and lays it on the background, as `options` ask; and where its subject is then.
pub fn finish<T: Sample>(
    image: Image<T>,
    options: &CutoutOptions,
    profile: Option<&Profile>,
) -> (Image<T>, Option<Foreground>) {
    let found = subject(&image);
    let (image, found) = match (options.crop, found) {
        (Some(margin), Some(found)) => crop(image, found, margin),
        _ => (image, found),
    };
    let foreground = found.map(|[left, top, right, bottom]| Foreground {
        left: left as u32,
        top: top as u32,
        width: (right - left) as u32,
        height: (bottom - top) as u32,
    });
    let image = match options.background {
        Some(Color(color)) => lay_on(image, profile.map_or(color, |profile| profile.from_srgb(color))),
        None => image,
    };
    (image, foreground)
}

/// The subject's box `[left, top, right, bottom]`, right and bottom past its last pixel; `None` if there is no subject.
fn subject<T: Sample>(image: &Image<T>) -> Option<[usize; 4]> {
    let least = T::of(SUBJECT_ALPHA);
    let rows = image.pixels.as_chunks::<4>().0.par_chunks_exact(image.width as usize).enumerate();
    let found = rows.filter_map(|(y, row)| {
        let solid = |pixel: &[T; 4]| pixel[3] >= least;
        // Pixels are passed over in pieces, which the compiler compares side by side.
        let some = |piece: &[[T; 4]]| piece.iter().fold(false, |some, pixel| some | solid(pixel));
        let from = PIECE * row.chunks(PIECE).position(some)?;
        let first = from + row[from..].iter().position(solid)?;
        let to = row.len() - PIECE * row.rchunks(PIECE).position(some)?;
        let last = row[..to].iter().rposition(solid)?;
        Some([first, y, last + 1, y + 1])
    });
    found.reduce_with(|[left, top, right, bottom], [l, t, r, b]| [left.min(l), top.min(t), right.max(r), bottom.max(b)])
}

/// The part of `image` around its subject's box, `margin` of the box's longer side away; and the box in it.
fn crop<T: Sample>(image: Image<T>, found: [usize; 4], margin: f64) -> (Image<T>, Option<[usize; 4]>) {
    let [left, top, right, bottom] = found;
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

/// Composites encoded values, as browsers and image editors do.
fn lay_on<T: Sample>(mut image: Image<T>, color: [u8; 3]) -> Image<T> {
    let full = T::FULL;
    let color = color.map(|tone| tone as u64 * full / 255);
    image.pixels.as_chunks_mut::<4>().0.par_chunks_mut(AT_ONCE).flatten_iter().for_each(|pixel| {
        let alpha = pixel[3].exact();
        for (channel, behind) in pixel.iter_mut().zip(&color) {
            *channel = T::exactly((channel.exact() * alpha + behind * (full - alpha) + full / 2) / full);
        }
        pixel[3] = T::exactly(full);
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
        let (wide, found) = cropped(picture(), 1.0);
        assert_eq!((wide.width, wide.height), (3, 3));
        assert_eq!(wide.pixels[4 * 4..5 * 4], [200, 10, 20, 255]);
        assert_eq!(found, Some(Foreground { left: 1, top: 1, width: 1, height: 1 }));
    }

    #[test]
    fn a_picture_without_a_subject_is_not_cropped() {
        let clear = Image::new(3, 2, vec![0u8; 24]);
        assert_eq!(cropped(clear.clone(), 0.1), (clear, None));
    }

    #[test]
    fn a_background_shows_through_what_is_not_opaque() {
        let image = Image::new(3, 1, vec![200u8, 0, 100, 255, 0, 0, 0, 0, 200, 0, 100, 51]);
        let laid = lay_on(image, [100, 255, 0]);
        assert_eq!(laid.pixels, [200, 0, 100, 255, 100, 255, 0, 255, 120, 204, 20, 255]);
        let deep = lay_on(Image::new(1, 1, vec![65535u16, 0, 0, 32768]), [0, 255, 0]);
        assert_eq!(deep.pixels, [32768, 32767, 0, 65535]);
    }
}
