//! The part of the photo that the matting network looks at.

use super::{ASPECT, MARGIN, MAX_ZOOM, SIDE, WINDOW_PERCENT};

/// A rectangle of the photo's pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
}

impl Window {
    pub fn whole(width: u32, height: u32) -> Self {
        Self { left: 0, top: 0, width, height }
    }

    /// Around a subject that takes the columns and rows `[left, top, right, bottom]` (right and bottom past the last) of
    /// a [`SIDE`] plane over a `width` by `height` photo, for a network of side `size`. In whole numbers, so that all
    /// engines agree.
    pub fn around([left, top, right, bottom]: [u32; 4], width: u32, height: u32, size: u32) -> Self {
        if right <= left || bottom <= top {
            return Self::whole(width, height);
        }
        let side = SIDE as u32;
        let (left, right) = (left * width / side, (right * width).div_ceil(side));
        let (top, bottom) = (top * height / side, (bottom * height).div_ceil(side));
        let margin = (right - left).max(bottom - top) * MARGIN / 100;
        let (left, right) = (left.saturating_sub(margin), (right + margin).min(width));
        let (top, bottom) = (top.saturating_sub(margin), (bottom + margin).min(height));
        let [long, short] = ASPECT;
        let (across, down) = (right - left, bottom - top);
        let least = size / MAX_ZOOM;
        let (left, across) = grown(left, across, (down * short).div_ceil(long).max(least), width);
        let (top, down) = grown(top, down, (across * short).div_ceil(long).max(least), height);
        if across * down / WINDOW_PERCENT > width * height / 100 {
            return Self::whole(width, height);
        }
        Self { left, top, width: across, height: down }
    }
}

/// `length` pixels from `start`, grown around their middle to `least` and kept within `full`: start and length.
fn grown(start: u32, length: u32, least: u32, full: u32) -> (u32, u32) {
    let to = length.max(least).min(full);
    (start.saturating_sub((to - length) / 2).min(full - to), to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_subject_gets_a_window_with_a_margin_within_the_photo() {
        let window = Window::around([100, 120, 140, 180], 1000, 1000, 320);
        // 390 to 547 and 468 to 704, 42 more on each side.
        assert_eq!(window, Window { left: 348, top: 426, width: 241, height: 320 });
        let corner = Window::around([0, 200, 40, 256], 2000, 1000, 320);
        assert_eq!((corner.left, corner.top + corner.height), (0, 1000));
    }

    #[test]
    fn a_window_is_never_longer_than_its_aspect_allows() {
        let tall = Window::around([120, 20, 130, 236], 3000, 1000, 320);
        assert!(tall.width * 16 >= tall.height * 9, "{tall:?}");
        assert!(tall.left + tall.width <= 3000 && tall.top + tall.height <= 1000);
    }

    #[test]
    fn a_subject_that_fills_the_photo_is_seen_whole() {
        assert_eq!(Window::around([10, 10, 240, 256], 1600, 1200, 320), Window::whole(1600, 1200));
        assert_eq!(Window::around([0, 0, 256, 256], 16384, 3051, 320), Window::whole(16384, 3051));
    }
}
