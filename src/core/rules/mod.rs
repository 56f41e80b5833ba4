//! The numbers of the matte's stages, each with where it was measured: one home for both engines, which hand them to
//! their kernels.
//!
//! "Measured" means by the error against true mattes, on the pictures that `xtask/quality/README.md` names.

mod census;
mod window;

pub use census::{CENSUS_SOFT, CENSUS_UNIT, Census};
pub use window::Window;

/// Side of the square plane on which the guide is weighed, in pixels: that of the network that finds people.
pub const SIDE: usize = 256;

/// Side of the photo as the small network glances at it. U2-Net-p finds subjects better at 192 than at its own 320
/// (mean intersection over union with true mattes 0.93 against 0.92), at a third of the cost.
pub const GLANCE_SIDE: usize = 192;

/// Probability from which there is a person in the picture (`models/README.md`).
pub const PERSON: f32 = 0.3;

/// A guide, a glance or a matte above it is taken as subject.
pub const HALF: f32 = 0.5;

/// Fewer sure pixels of [`SIDE`]² than these are nobody: half a percent.
pub const MIN_SURE: u32 = 328;

/// The guide is certain where it is above this all around.
pub const CERTAIN: f32 = 0.9;

/// How far around, in pixels of [`SIDE`].
pub const CERTAIN_REACH: usize = 2;

/// Below this the glance vetoes what the guide is certain of: it takes some backgrounds for people.
pub const WITNESS: f32 = 0.7;

/// Guide and glance agree from this intersection over union: then the person may be looked at alone.
pub const AGREE: f32 = 0.75;

/// Guide and matte contradict each other below this intersection over union: then the guide steps aside.
pub const CONTRADICT: f32 = 1.0 / 3.0;

/// Parts of the subject smaller than these many sure pixels, or than this share of the largest (1 / 50), are specks.
pub const SPECK: u32 = 24;
pub const SPECK_SHARE: u32 = 50;

/// Margin around the subject, in percent of its longer side.
pub const MARGIN: u32 = 18;

/// The longer side of a window is at most 16 / 9 of the shorter: the networks see it squeezed into a square.
pub const ASPECT: [u32; 2] = [16, 9];

/// A window of more than these percent of the photo is not worth its risk: a subject that fills the window is seen in
/// parts. Then the network sees the whole photo.
pub const WINDOW_PERCENT: u32 = 65;

/// The window is never so small that the network sees its pixels enlarged by more than this.
pub const MAX_ZOOM: u32 = 4;

/// Background that cannot be reached from the border is a hole of the subject's; the guide fills those in which it is
/// nowhere below this.
pub const HOLE: f32 = 0.8;

/// What is filled reaches so far into the rim of the hole, and what is kept of a subject so far beyond it, in pixels of
/// [`SIDE`].
pub const FILL_REACH: usize = 2;
pub const KEEP_REACH: usize = 3;

/// What is below this and reached from the border is outside the subject's outline.
pub const OUTSIDE: f32 = 0.3;

/// Deviation of the blur by which the matte's mean inside the subject is spread to its rim, in pixels of [`SIDE`].
pub const SPREAD_SIGMA: f32 = 4.0;

/// Deviation of the blur that makes what is lifted soft.
pub const SOFT_SIGMA: f32 = 1.25;

/// Ramps `[from, to]`, each smooth from 0 to 1.
pub mod ramp {
    /// The matte's mean inside: what is nearly clear is not lifted, for the guide alone has no edges to show.
    pub const TRUST: [f32; 2] = [0.2, 0.4];
    /// The share of certain pixels around.
    pub const NEAR: [f32; 2] = [0.02, 0.25];
    /// The share of certain pixels at hand.
    pub const SOLID: [f32; 2] = [0.55, 0.95];
    /// How much is missing.
    pub const MISSING: [f32; 2] = [0.002, 0.01];
    /// The same of the mean inside.
    pub const NEED: [f32; 2] = [0.0, 0.02];
}

/// The guided filter (He and Sun 2015) looks at so many of the matte's pixels on each side. Measured from 1 to 8: the
/// matte's edge and gradient errors fall up to 4 on all networks' mattes, and rise again on some beyond.
pub const FIT_REACH: u32 = 4;

/// Its epsilon: variance of the photo's colours (of 1) below which they explain nothing.
pub const FIT_EPSILON: f32 = 1e-5;

/// Share of the matte's variance that the photo's colours explain (R squared), from where the fit is not used to where
/// it is used alone.
pub const FIT_TRUST: [f32; 2] = [0.3, 0.7];

/// The matte is refined from this ramp's begin to one less it, and fully from its end on; what the network is certain
/// of stays as it is.
pub const BAND: [f32; 2] = [0.02, 0.06];

/// Alpha below this, or as near to 1, is none or full: networks leave a haze of a 255th here and there.
pub const HAZE: f32 = 1.0 / 255.0;

/// Blur fusion takes its means over so many pixels on each side, at every level. Measured from 2 to 6 on composites of
/// the lemur: 3 and 4 leave least (0.05 of the photo's own squared error; PyMatting's multi-level method 0.075).
pub const FUSION_REACH: usize = 3;

/// A mean alpha below this is rounding: no foreground is near.
pub const FUSION_LEAST: f32 = 1e-5;

/// How often a `width` by `height` picture is halved for blur fusion: to 16 pixels a side at least.
pub fn halvings(width: u32, height: u32) -> u32 {
    width.min(height).ilog2().saturating_sub(4)
}

/// A crisp edge is so many times as steep as the matte's.
pub const CRISP: f32 = 2.0;

/// Deviation of a soft edge's blur, as a share of the photo's longer side.
pub const SOFT_EDGE: f32 = 0.0015;

/// Below this range the network saw no subject, and stretching would only raise noise.
pub const MIN_RANGE: f32 = 1e-6;

/// Rec. 709 weights, on sRGB-encoded values: luma, not luminance.
pub const LUMA: [f32; 3] = [0.2126, 0.7152, 0.0722];

/// Alpha below which a pixel's colour is too uncertain to sharpen, or to measure others by.
pub const MIN_ALPHA: f32 = 4.0 / 255.0;

/// Smooth from 0 at `from` to 1 at `to` (Hermite).
pub fn smooth(x: f32, [from, to]: [f32; 2]) -> f32 {
    let t = ((x - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// How noise is measured and taken out before strong sharpening.
pub mod noise {
    use crate::taps::NearTap;

    /// Differences are counted in bins; those past the last are in it.
    pub const BINS: usize = 256;
    /// Bins a tone of 255.
    pub const BINS_A_TONE: f32 = 4.0;
    /// A median of differences of noise is so many of its deviations.
    pub const MEDIAN: f32 = 0.6745;
    /// The deviation of luma when that of each channel is one.
    pub const LUMA: f32 = 0.7497;
    /// What the texture of clean photos looks like, as a deviation of luma in tones of 255: of ten, the median was 1.5.
    pub const TEXTURE: f32 = 1.5;

    /// Pixels that the filter looks at on each side, and the deviation of its weights.
    const REACH: i32 = 2;
    const NEAR_SIGMA: f32 = 1.5;
    /// The deviation of its weights along colours, in deviations of the noise of a channel. Measured from 1 to 4 on ten
    /// photos with noise of 2, 5 and 10 tones: best at each (2.4, 5.1 and 6.8 dB nearer to the clean photo).
    const LIKE_SIGMAS: f32 = 1.5;

    /// The deviation of a channel in 0..1 from the counts of differences.
    pub fn deviation(counts: &[u32]) -> f32 {
        let half = counts.iter().sum::<u32>().div_ceil(2);
        let mut below = 0;
        let median = counts.iter().position(|&count| {
            below += count;
            below >= half
        });
        // The first bin holds photos without noise.
        let tones = median.filter(|&bin| bin > 0).map_or(0.0, |bin| (bin as f32 + 0.5) / BINS_A_TONE / MEDIAN);
        (tones * tones - TEXTURE * TEXTURE).max(0.0).sqrt() / LUMA / 255.0
    }

    /// The pixels around, and their weights by distance.
    pub fn near() -> Vec<NearTap> {
        crate::taps::near(REACH, NEAR_SIGMA)
    }

    /// The deviation in colour, over the three channels, for noise of deviation 1: differences of two noisy colours.
    pub fn spread() -> f32 {
        LIKE_SIGMAS * 3f32.sqrt()
    }

    /// Weights by the squared difference of colours in tones of 255, summed over the channels, for noise of deviation
    /// `sigma` in 0..1; what lies past the end weighs nothing.
    pub fn like(sigma: f32) -> Vec<f32> {
        let spread = spread() * sigma * 255.0;
        let count = (9.0 * spread * spread) as usize + 1;
        (0..count).map(|apart| (-0.5 * apart as f32 / (spread * spread)).exp()).collect()
    }
}
