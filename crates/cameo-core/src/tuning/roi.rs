//! The region of interest: the part of the photo that the matting network gets.

use super::constants::{LOW_RES_SIDE, MAX_ROI_ASPECT, MAX_ROI_PERCENT, MAX_ZOOM, ROI_MARGIN_PERCENT};

/// A rectangle in pixels of the photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roi {
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
}

impl Roi {
    /// Returns the whole photo.
    pub fn whole(width: u32, height: u32) -> Self {
        Self { left: 0, top: 0, width, height }
    }

    /// Returns the region around a subject.
    ///
    /// `bounds` are the columns and rows `[left, top, right, bottom]` (right and bottom exclusive) that the subject
    /// covers on a plane of [`LOW_RES_SIDE`]x[`LOW_RES_SIDE`] pixels over the part `scene` of the photo; `size` is
    /// the matting network's side. The arithmetic is in integers, so that both engines choose the same region.
    pub fn around(bounds: [u32; 4], scene: Self, size: u32) -> Self {
        let [left, top, right, bottom] = bounds;
        let Self { width, height, .. } = scene;
        if right <= left || bottom <= top {
            return scene;
        }
        let side = LOW_RES_SIDE as u32;
        let (left, right) = (left * width / side, (right * width).div_ceil(side));
        let (top, bottom) = (top * height / side, (bottom * height).div_ceil(side));
        let margin = (right - left).max(bottom - top) * ROI_MARGIN_PERCENT / 100;
        let (left, right) = (left.saturating_sub(margin), (right + margin).min(width));
        let (top, bottom) = (top.saturating_sub(margin), (bottom + margin).min(height));
        let [long, short] = MAX_ROI_ASPECT;
        let min_side = size / MAX_ZOOM;
        let min_width = ((bottom - top) * short).div_ceil(long).max(min_side);
        let (left, roi_width) = widened(left, right - left, min_width, width);
        let min_height = (roi_width * short).div_ceil(long).max(min_side);
        let (top, roi_height) = widened(top, bottom - top, min_height, height);
        if roi_width * roi_height / MAX_ROI_PERCENT > width * height / 100 {
            return scene;
        }
        Self { left: scene.left + left, top: scene.top + top, width: roi_width, height: roi_height }
    }
}

/// Widens the interval of `length` pixels from `start` around its middle to at least `min` pixels, within `0..full`.
/// Returns its start and length.
fn widened(start: u32, length: u32, min: u32, full: u32) -> (u32, u32) {
    let widened = length.max(min).min(full);
    (start.saturating_sub((widened - length) / 2).min(full - widened), widened)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_subject_gets_a_region_with_a_margin_within_the_photo() {
        let roi = Roi::around([100, 120, 140, 180], Roi::whole(1000, 1000), 320);
        // 390 to 547 and 468 to 704, 42 more on each side.
        assert_eq!(roi, Roi { left: 348, top: 426, width: 241, height: 320 });
        let corner = Roi::around([0, 200, 40, 256], Roi::whole(2000, 1000), 320);
        assert_eq!((corner.left, corner.top + corner.height), (0, 1000));
    }

    #[test]
    fn a_region_lies_within_the_scene_that_the_subject_was_found_in() {
        let scene = Roi { left: 70, top: 300, width: 1000, height: 1000 };
        let roi = Roi::around([100, 120, 140, 180], scene, 320);
        assert_eq!(roi, Roi { left: 70 + 348, top: 300 + 426, width: 241, height: 320 });
        assert_eq!(Roi::around([10, 10, 240, 256], scene, 320), scene);
    }

    #[test]
    fn a_region_keeps_the_aspect_limit() {
        let tall = Roi::around([120, 20, 130, 236], Roi::whole(3000, 1000), 320);
        assert!(tall.width * 16 >= tall.height * 9, "{tall:?}");
        assert!(tall.left + tall.width <= 3000 && tall.top + tall.height <= 1000);
    }

    #[test]
    fn a_subject_that_fills_the_photo_gets_the_whole_photo() {
        let whole = Roi::whole(1600, 1200);
        assert_eq!(Roi::around([10, 10, 240, 256], whole, 320), whole);
        let wide = Roi::whole(16384, 3051);
        assert_eq!(Roi::around([0, 0, 256, 256], wide, 320), wide);
    }
}
