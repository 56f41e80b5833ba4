//! Bars of one colour beside a scene, as screenshots of phones and frames of films have them.
//!
//! A network that sees bars takes the scene between them for a detail of a larger one, and loses parts of its subject.

use std::ops::Range;

use crate::codec::Image;
use crate::tuning::Roi;

/// The largest difference from the colour of a bar, in one channel of 255, that lossy compression makes.
const MAX_NOISE: u8 = 16;

/// The clock and the icons of a phone cover at most one over this of a line of a bar.
const MAX_MARKS_DIVISOR: usize = 10;

/// Bars that are thinner than the photo's side over this are left in place: they harm no network.
const MIN_BAR_DIVISOR: usize = 50;

/// The edge of the scene is within the line's length over this of both ends of the line.
const END_DIVISOR: usize = 10;

/// Lines between a bar and the scene that compression or scaling blurred: at most this many, which is a block of JPEG,
const MAX_SEAM: usize = 8;

/// and at most the photo's side over this, so that in a small photo the outline of a head is no seam.
const MIN_SEAM_DIVISOR: usize = 64;

/// Returns the scene: the part of `photo` between its bars; the whole photo if it has none.
///
/// A bar is made of rows or columns of one colour, and ends at a straight edge: beyond it, most pixels of a line have
/// other colours, near both of its ends too. The plain background of a studio does not end so, but at the outline of its
/// subject.
pub fn scene(photo: &Image) -> Roi {
    let mut plain = Side::ALL.map(|side| plain_lines(photo, side));
    loop {
        let bars = Side::ALL.map(|side| scene_edge(photo, side, plain));
        let is_bar = bars.map(|bar| bar > 0);
        if (0..4).all(|i| is_bar[i] || plain[i] == 0) {
            return between(photo, bars);
        }
        // Where one side has no bar, the others end at longer lines.
        (0..4).for_each(|i| plain[i] = if is_bar[i] { plain[i] } else { 0 });
    }
}

/// A side of the photo. Its lines are the rows or columns from the border inwards.
#[derive(Debug, Clone, Copy)]
enum Side {
    Top,
    Bottom,
    Left,
    Right,
}

impl Side {
    const ALL: [Self; 4] = [Self::Top, Self::Bottom, Self::Left, Self::Right];

    /// Returns the number of lines, and of pixels in each.
    fn size(self, photo: &Image) -> [usize; 2] {
        let [width, height] = [photo.width, photo.height].map(|length| length as usize);
        match self {
            Self::Top | Self::Bottom => [height, width],
            Self::Left | Self::Right => [width, height],
        }
    }

    fn color(self, photo: &Image, line: usize, i: usize) -> [u8; 3] {
        let [width, height] = [photo.width, photo.height].map(|length| length as usize);
        let (x, y) = match self {
            Self::Top => (i, line),
            Self::Bottom => (i, height - 1 - line),
            Self::Left => (line, i),
            Self::Right => (width - 1 - line, i),
        };
        let [r, g, b, _] = photo.pixels.as_chunks::<4>().0[y * width + x];
        [r, g, b]
    }

    /// Returns which pixels of a line within `range` have another colour than the border's first pixel.
    fn differing(self, photo: &Image, line: usize, range: Range<usize>) -> impl Iterator<Item = usize> {
        let bar = self.color(photo, 0, 0);
        let differs = move |color: [u8; 3]| color.into_iter().zip(bar).any(|(a, b)| a.abs_diff(b) > MAX_NOISE);
        range.filter(move |&i| differs(self.color(photo, line, i)))
    }
}

/// Returns the number of lines of one colour at `side`; 0 if they are too few for a bar, or all.
fn plain_lines(photo: &Image, side: Side) -> usize {
    let [lines, length] = side.size(photo);
    let is_plain = |&line: &usize| side.differing(photo, line, 0..length).count() * MAX_MARKS_DIVISOR <= length;
    let plain = (0..lines).take_while(is_plain).count();
    if plain > lines / MIN_BAR_DIVISOR && plain < lines { plain } else { 0 }
}

/// Returns the first line of the scene behind the `plain` lines of `side`; 0 if these do not end at a straight edge.
/// `plain` has the plain lines of all sides, between which the edge lies.
fn scene_edge(photo: &Image, side: Side, plain: [usize; 4]) -> usize {
    let [lines, length] = side.size(photo);
    let [top, bottom, left, right] = plain;
    let (first, start, end) = match side {
        Side::Top => (top, left, right),
        Side::Bottom => (bottom, left, right),
        Side::Left => (left, top, bottom),
        Side::Right => (right, top, bottom),
    };
    let range = start..length.saturating_sub(end);
    let margin = range.len() / END_DIVISOR;
    let is_edge = |&line: &usize| {
        let differing: Vec<usize> = side.differing(photo, line, range.clone()).collect();
        let reaches_start = differing.first().is_some_and(|&i| i <= range.start + margin);
        let reaches_end = differing.last().is_some_and(|&i| i + margin >= range.end - 1);
        reaches_start && reaches_end && 2 * differing.len() > range.len()
    };
    let seam = (lines / MIN_SEAM_DIVISOR).clamp(1, MAX_SEAM);
    if first == 0 { 0 } else { (first..lines.min(first + seam)).find(is_edge).unwrap_or(0) }
}

/// Returns what is left of `photo` without `bars`; the whole photo if nothing is, because bars of two colours meet.
fn between(photo: &Image, bars: [usize; 4]) -> Roi {
    let [top, bottom, left, right] = bars.map(|bar| bar as u32);
    let whole = Roi::whole(photo.width, photo.height);
    match (photo.width.checked_sub(left + right), photo.height.checked_sub(top + bottom)) {
        (Some(width @ 1..), Some(height @ 1..)) => Roi { left, top, width, height },
        _ => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A photo of `width` by `height`, black with a little noise, with `color` of column and row within `scene`.
    fn photo(width: u32, height: u32, scene: Roi, color: impl Fn(u32, u32) -> [u8; 3]) -> Image {
        let Roi { left, top, width: across, height: down } = scene;
        let pixel = |i: u32| {
            let (x, y) = (i % width, i / width);
            let inside = (left..left + across).contains(&x) && (top..top + down).contains(&y);
            let [r, g, b] = if inside { color(x, y) } else { [(x * y % 7) as u8; 3] };
            [r, g, b, 255]
        };
        Image::new(width, height, (0..width * height).flat_map(pixel).collect())
    }

    /// The colours of a scene, some of them as dark as a bar.
    fn colors(x: u32, y: u32) -> [u8; 3] {
        [(x * 37 % 251) as u8, (y * 53 % 241) as u8, ((x + y) * 11 % 239) as u8]
    }

    #[test]
    fn bars_around_a_scene_are_left_out() {
        for want in [
            Roi { left: 0, top: 90, width: 120, height: 130 },
            Roi { left: 21, top: 0, width: 70, height: 300 },
            Roi { left: 0, top: 40, width: 120, height: 260 },
            Roi { left: 30, top: 70, width: 60, height: 110 },
        ] {
            assert_eq!(scene(&photo(120, 300, want, colors)), want);
        }
    }

    #[test]
    fn a_clock_in_a_bar_does_not_hide_it() {
        let want = Roi { left: 0, top: 90, width: 120, height: 130 };
        let mut screenshot = photo(120, 300, want, colors);
        (10..20).for_each(|y| screenshot.pixels[4 * (120 * y + 30)..][..40].fill(255));
        assert_eq!(scene(&screenshot), want);
    }

    #[test]
    fn a_photo_without_bars_is_seen_whole() {
        let whole = Roi::whole(120, 300);
        assert_eq!(scene(&photo(120, 300, whole, colors)), whole);
        assert_eq!(scene(&photo(120, 300, whole, |_, _| [9, 9, 9])), whole, "one colour");
        let thin = Roi { left: 0, top: 3, width: 120, height: 297 };
        assert_eq!(scene(&photo(120, 300, thin, colors)), whole, "a line at the border");
        for (width, height) in [(1, 1), (1, 300), (120, 1), (2, 2)] {
            let whole = Roi::whole(width, height);
            assert_eq!(scene(&photo(width, height, whole, colors)), whole, "{width}x{height}");
        }
    }

    #[test]
    fn the_plain_background_of_a_studio_is_no_bar() {
        // A head with shoulders before white.
        let subject = |x: u32, y: u32| {
            let (dx, dy) = (x as f32 - 60.0, y as f32 - 100.0);
            let outside = dx.hypot(dy) > 45.0 && y < 180;
            if outside { [255; 3] } else { colors(x, y) }
        };
        let whole = Roi::whole(120, 300);
        assert_eq!(scene(&photo(120, 300, whole, subject)), whole);
        // A standing figure with straight sides, cut by the frame at the knees.
        let figure = |x: u32, y: u32| {
            let half_width = if y < 130 { 10 } else { 20 };
            if y < 90 || x.abs_diff(60) > half_width { [255; 3] } else { colors(x, y) }
        };
        assert_eq!(scene(&photo(120, 300, whole, figure)), whole);
    }
}
