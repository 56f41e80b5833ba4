//! What all tiles of an enhancement share.

use cameo_core::codec::Image;
use cameo_core::pipeline::Sharpening;
use cameo_core::taps;

use crate::frame::CpuFrame;

use super::resample::AxisTaps;

/// The photo, the size of the result, and the tables of the filters.
pub struct EnhanceInputs<'a> {
    pub frame: &'a CpuFrame,
    /// Width of the result in pixels.
    pub width: usize,
    /// Height of the result in pixels.
    pub height: usize,
    pub horizontal: AxisTaps,
    pub vertical: AxisTaps,
    /// None leaves out sharpening.
    pub unsharp_mask: Option<UnsharpMask>,
}

/// A Gaussian kernel, and by how much detail relative to it is amplified.
pub struct UnsharpMask {
    /// An odd number of weights that sum to 1.
    pub kernel: Vec<f32>,
    pub sharpening: Sharpening,
}

impl<'a> EnhanceInputs<'a> {
    pub fn new(frame: &'a CpuFrame, width: usize, height: usize, sharpening: Option<Sharpening>) -> Self {
        let Image { width: photo_width, height: photo_height, .. } = frame.photo;
        Self {
            frame,
            width,
            height,
            horizontal: AxisTaps::new(photo_width as usize, width),
            vertical: AxisTaps::new(photo_height as usize, height),
            unsharp_mask: sharpening
                .map(|sharpening| UnsharpMask { kernel: taps::gaussian(sharpening.sigma), sharpening }),
        }
    }

    /// Returns how many pixels of the result the unsharp mask reads on each side of a pixel.
    pub fn blur_radius(&self) -> usize {
        self.unsharp_mask.as_ref().map_or(0, |mask| mask.kernel.len() / 2)
    }
}
