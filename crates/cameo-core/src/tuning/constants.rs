//! The constants themselves, in the order of the stages that use them.

/// Side in pixels of the square planes on which the subject is located and the matte is repaired: the input size of the
/// person segmentation network.
pub const LOW_RES_SIDE: usize = 256;

/// Side in pixels of the photo for the coarse matte. At 192 pixels U2-Net-p finds subjects better than at its own 320
/// (mean intersection over union with ground truth 0.93 against 0.92), at a third of the cost.
pub const COARSE_SIDE: usize = 192;

/// Probability from which a person counts as present (`models/README.md`).
pub const MIN_PERSON_PROBABILITY: f32 = 0.3;

/// Probability from which a person is certain to be upright, so that no other rotation of the photo is looked at. It
/// holds for half of upright portraits.
pub const CERTAIN_PERSON_PROBABILITY: f32 = 0.998;

/// A photo is turned if a person is at least this probable then,
pub const MIN_ROTATED_PROBABILITY: f32 = 0.8;

/// and if the odds of a person are this many times those as the photo lies. Measured on 498 portraits: none that is
/// upright is turned; of those turned by 90 degrees 86 percent are turned back, of those upside down 76 percent, and at
/// most 2 percent are turned the wrong way. Of 330 pictures of animals and things 6 are turned.
pub const MIN_ROTATED_ODDS_RATIO: f32 = 10.0;

/// Alpha or confidence above this counts as subject.
pub const SUBJECT_ALPHA: f32 = 0.5;

/// Smallest number of confident pixels, of [`LOW_RES_SIDE`]², that counts as a person: half a percent.
pub const MIN_CONFIDENT: u32 = 328;

/// A pixel belongs to the certain core of a person if the confidence is above this everywhere around it.
pub const MIN_CORE_CONFIDENCE: f32 = 0.9;

/// The radius of "around" for [`MIN_CORE_CONFIDENCE`], in pixels of [`LOW_RES_SIDE`].
pub const CORE_RADIUS: usize = 2;

/// Where the coarse matte is not above this, it vetoes the person segmentation, which takes some backgrounds for
/// people.
pub const MIN_VETO_ALPHA: f32 = 0.7;

/// Intersection over union of person and coarse matte from which they agree, so that the person may be cropped to.
pub const MIN_ROI_IOU: f32 = 0.75;

/// Intersection over union of person and final matte below which they contradict each other, so that the person does
/// not change the matte.
pub const MIN_REPAIR_IOU: f32 = 1.0 / 3.0;

/// Parts of a person with fewer confident pixels than this are specks and do not widen the region of interest.
pub const MIN_PART_PIXELS: u32 = 24;

/// So are parts smaller than the largest part divided by this.
pub const MIN_PART_DIVISOR: u32 = 50;

/// Margin around the subject in the region of interest, in percent of the subject's longer side.
pub const ROI_MARGIN_PERCENT: u32 = 18;

/// The largest ratio of the region's longer to its shorter side, as `[16, 9]`: the networks get it squeezed into a
/// square.
pub const MAX_ROI_ASPECT: [u32; 2] = [16, 9];

/// A region that covers more than this percentage of the photo is not worth its risk, because a subject that fills the
/// region is seen in parts. The network then gets the whole photo.
pub const MAX_ROI_PERCENT: u32 = 65;

/// The region is never so small that the network gets its pixels enlarged by more than this factor.
pub const MAX_ZOOM: u32 = 4;

/// Background that is not connected to the border is a hole in the subject. A hole is filled if the person's confidence
/// is nowhere in it below this.
pub const MIN_HOLE_CONFIDENCE: f32 = 0.8;

/// How far filled holes extend into their rims, in pixels of [`LOW_RES_SIDE`].
pub const FILL_RADIUS: usize = 2;

/// Fraction of the core of the person that a matte may lack, holes apart. What it lacks beyond that is restored: in 131
/// portraits these are shoulders, arms, hair and parts of shirts.
pub const MAX_LACKING: f32 = 0.01;

/// How far restored parts of the core extend beyond it, where person and coarse matte are still above one half, in
/// pixels of [`LOW_RES_SIDE`].
pub const RESTORE_RADIUS: usize = 8;

/// How far the largest subject's mask extends beyond it, in pixels of [`LOW_RES_SIDE`].
pub const KEEP_RADIUS: usize = 3;

/// Pixels below this that are connected to the border are outside the subject's outline.
pub const MAX_OUTSIDE_ALPHA: f32 = 0.3;

/// Standard deviation of the blur that spreads the matte's mean inside the subject to its rim, in pixels of
/// [`LOW_RES_SIDE`].
pub const SPREAD_SIGMA: f32 = 4.0;

/// Standard deviation of the blur that softens the repaired area's border, in pixels of [`LOW_RES_SIDE`].
pub const SOFT_SIGMA: f32 = 1.25;

/// Smooth ramps `[from, to]` of the repair stage, for [`smoothstep`].
pub mod ramp {
    /// Over the matte's mean inside the subject. Nearly transparent areas are not raised, because the person
    /// segmentation alone has no usable edges.
    pub const TRUST: [f32; 2] = [0.2, 0.4];
    /// Over the fraction of certain pixels in the neighbourhood.
    pub const NEAR: [f32; 2] = [0.02, 0.25];
    /// Over the fraction of certain pixels close by.
    pub const SOLID: [f32; 2] = [0.55, 0.95];
    /// Over the alpha that is missing close by.
    pub const MISSING: [f32; 2] = [0.002, 0.01];
    /// Over the alpha that is missing in the mean inside the subject.
    pub const NEED: [f32; 2] = [0.0, 0.02];
}

/// Radius of the guided filter (He and Sun 2015), in pixels of the matte. Measured from 1 to 8: the matte's edge and
/// gradient errors fall up to 4 on the mattes of all networks, and rise again on some beyond.
pub const FIT_RADIUS: u32 = 4;

/// The guided filter's epsilon: variance of the photo's colours (of 1) below which they explain nothing.
pub const FIT_EPSILON: f32 = 1e-5;

/// Fraction of the matte's variance that the photo's colours explain (R squared), as a ramp: below it the guided filter
/// is not used, above it alone.
pub const FIT_TRUST: [f32; 2] = [0.3, 0.7];

/// Alpha range that is refined, as a ramp at either end: alpha below the first value, or as close to 1, is certain and
/// stays as it is; from the second value on it is refined fully.
pub const SOFT_RANGE: [f32; 2] = [0.02, 0.06];

/// Alpha below this, or as close to 1, becomes 0 or 1: networks leave a haze of 1/255 in places.
pub const HAZE: f32 = 1.0 / 255.0;

/// Radius of the means in blur fusion, in pixels of each pyramid level. Measured from 2 to 6 on composites of the
/// lemur: 3 and 4 leave the smallest error (0.05 of the photo's own squared error; PyMatting's multi-level method
/// 0.075).
pub const FUSION_RADIUS: usize = 3;

/// A mean alpha below this is a rounding error: there is no foreground nearby.
pub const FUSION_MIN_ALPHA: f32 = 1e-5;

/// Returns the number of pyramid levels of blur fusion above the photo itself: each halves the size, down to at least
/// 16 pixels on the shorter side.
pub fn pyramid_levels(width: u32, height: u32) -> u32 {
    width.min(height).ilog2().saturating_sub(4)
}

/// Slope of a crisp edge, relative to the matte's own.
pub const CRISP_SLOPE: f32 = 2.0;

/// Standard deviation of a soft edge's blur, as a fraction of the photo's longer side.
pub const SOFT_EDGE_SIGMA: f32 = 0.0015;

/// If the network's output varies by less than this, it found no subject, and stretching would only amplify noise.
pub const MIN_RANGE: f32 = 1e-6;

/// Rec. 709 weights, applied to sRGB-encoded values: they give luma, not luminance.
pub const LUMA: [f32; 3] = [0.2126, 0.7152, 0.0722];

/// Below this alpha a pixel's colour is too uncertain to be sharpened, or to bound its neighbours.
pub const MIN_ALPHA: f32 = 4.0 / 255.0;

/// Returns the cubic Hermite step: 0 up to `from`, 1 from `to` on, smooth between.
pub fn smoothstep(x: f32, [from, to]: [f32; 2]) -> f32 {
    let t = ((x - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}
