//! What decides the pixels of a result.

use cameo_models::Network;
use serde::{Deserialize, Serialize};

use super::CutoutOptions;
use crate::codec::{Compression, Depth, Encoding, Format};
use crate::error::{Error, Result};
use crate::names::names;
use crate::rules::HALF;

/// The network that glances at the photo, whatever cuts it out.
pub const GLANCE: Network = Network::U2NetP;

/// What is done with an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Job {
    /// Cut-out, then enhancement.
    Combo,
    /// Cut-out at the photo's size.
    Cutout,
    /// Enhancement alone; the background stays.
    Enhance,
}

impl Job {
    pub const ALL: [Job; 3] = [Job::Combo, Job::Cutout, Job::Enhance];

    pub fn name(self) -> &'static str {
        match self {
            Job::Combo => "combo",
            Job::Cutout => "cutout",
            Job::Enhance => "enhance",
        }
    }
}

/// How strongly to enhance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Light,
    #[default]
    Medium,
    Strong,
}

names!(Level, "level", Light = "light", Medium = "medium", Strong = "strong");

impl Level {
    /// The table of levels: the factor of enlargement, how it is sharpened afterwards, and whether it is denoised before.
    ///
    /// Measured against Pillow's Lanczos and UnsharpMask(2, 80, 3): `light` is the sharpest that brings a shrunk photo
    /// no farther from its original than Lanczos alone does; `medium` and `strong` make edges of colour a fifth shorter
    /// than Pillow's; all of them the matte's edge by two fifths (`cargo xtask quality`).
    fn settings(self) -> (f64, Sharpening, bool) {
        let sharpening = |sigma, amount, edge_amount| Sharpening { sigma, amount, edge_amount, threshold: 1.0 / 255.0 };
        match self {
            Level::Light => (1.5, sharpening(0.5, 0.5, 8.0), false),
            Level::Medium => (2.0, sharpening(0.9, 2.0, 3.0), false),
            Level::Strong => (3.0, sharpening(0.8, 1.5, 3.0), true),
        }
    }
}

/// An unsharp mask: `sigma` is the deviation of its Gaussian in pixels of the result, `amount` the gain on the detail it
/// finds in luma, `edge_amount` that on alpha's, `threshold` the detail (of 1) below which luma's is taken for noise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sharpening {
    pub sigma: f32,
    pub amount: f32,
    pub edge_amount: f32,
    pub threshold: f32,
}

/// The size of a result and how it is sharpened; `None` leaves the pixels as they are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Enhancement {
    pub width: u32,
    pub height: u32,
    pub sharpening: Option<Sharpening>,
    /// Takes noise out first, and lets the sharpening's threshold follow what there was.
    pub denoises: bool,
    /// Alpha above which noise is measured; below 0 everywhere, for what is known of clean photos is known of whole ones.
    pub noise_above: f32,
    pub depth: Depth,
}

/// Everything that decides the pixels of a result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    pub job: Job,
    #[serde(default)]
    pub cutout: CutoutOptions,
    #[serde(default)]
    pub level: Level,
    /// Overrides the level's factor: 1 to 4.
    #[serde(default)]
    pub scale: Option<f64>,
    /// Of enhancement alone: takes a background's colours out of the soft edges of a cut-out.
    #[serde(default)]
    pub decontaminate: bool,
    #[serde(default)]
    pub format: Format,
}

impl Recipe {
    pub fn new(job: Job) -> Self {
        Self {
            job,
            cutout: CutoutOptions::default(),
            decontaminate: false,
            level: Level::default(),
            scale: None,
            format: Format::default(),
        }
    }

    /// The network that cuts out; none for enhancement alone.
    pub fn network(&self) -> Option<Network> {
        (self.job != Job::Enhance).then_some(self.cutout.model)
    }

    /// All networks it needs.
    pub fn networks(&self) -> Vec<Network> {
        let Some(model) = self.network() else { return Vec::new() };
        let mut networks = vec![GLANCE];
        networks.extend((model != GLANCE).then_some(model));
        networks.extend(self.cutout.guided().then_some(Network::Selfie));
        networks
    }

    pub(super) fn decontaminates(&self) -> bool {
        if self.job == Job::Enhance { self.decontaminate } else { self.cutout.decontaminate }
    }

    pub(super) fn matte_only(&self) -> bool {
        self.job != Job::Enhance && self.cutout.matte_only
    }

    /// How its result is written.
    pub(super) fn encoding(&self) -> Encoding {
        Encoding { format: self.format, compression: self.cutout.compression }
    }

    fn fits(&self, width: u32, height: u32) -> Result<()> {
        let longest = width.max(height);
        if longest <= self.format.max_side() {
            return Ok(());
        }
        Err(Error::BadRecipe(format!(
            "the result would have {longest} pixels on a side, {} allows {}: use --format png or a smaller --scale",
            self.format,
            self.format.max_side()
        )))
    }

    /// The size and sharpening of the result of a `width` by `height` photo.
    ///
    /// # Errors
    /// [`Error::BadRecipe`] if the scale is out of range, or the result would have more than `max_pixels` (the
    /// sentence names the largest scale allowed) or a longer side than its format has.
    pub fn enhancement(&self, width: u32, height: u32, max_pixels: u64) -> Result<Enhancement> {
        self.cutout.check()?;
        let depth = self.cutout.depth;
        if self.format != Format::Png {
            let refused =
                |why, instead| Err(Error::BadRecipe(format!("{} {why}: use --format png or {instead}", self.format)));
            if depth == Depth::Sixteen {
                return refused("has 8 bits a channel", "--depth 8");
            }
            if self.cutout.compression == Compression::Small {
                return refused("knows one compression", "--compression fast");
            }
        }
        // Where an edge moves outwards, decontamination has made flat colours of what was around the subject.
        let recolored = self.job != Job::Enhance && self.decontaminates() && self.cutout.reach(width, height) > 0;
        let noise_above = if recolored { HALF } else { -1.0 };
        if self.job == Job::Cutout {
            self.fits(width, height)?;
            return Ok(Enhancement { width, height, sharpening: None, denoises: false, noise_above, depth });
        }
        let (factor, mut sharpening, denoises) = self.level.settings();
        let scale = self.scale.unwrap_or(factor);
        if !(1.0..=4.0).contains(&scale) {
            return Err(Error::BadRecipe(format!("the scale {scale} is out of range: use 1 to 4")));
        }
        let side = |side: u32, scale: f64| ((side as f64 * scale).round() as u32).max(1);
        let pixels = |scale: f64| side(width, scale) as u64 * side(height, scale) as u64;
        if pixels(scale) > max_pixels {
            // In hundredths, rounded down: what is named must be allowed.
            let mut largest = ((max_pixels as f64 / (width as f64 * height as f64)).sqrt() * 100.0).floor() / 100.0;
            while largest >= 1.0 && pixels(largest) > max_pixels {
                largest -= 0.01;
            }
            let advice = if largest >= 1.0 {
                format!("use --scale {largest:.2} or less")
            } else {
                "scale the photo down first".into()
            };
            return Err(Error::BadRecipe(format!(
                "a {width}x{height} photo at scale {scale} gives {:.1} megapixels, the limit is {:.1}: {advice}",
                pixels(scale) as f64 / 1e6,
                max_pixels as f64 / 1e6
            )));
        }
        let (width, height) = (side(width, scale), side(height, scale));
        self.fits(width, height)?;
        // The table is in pixels of the photo.
        sharpening.sigma *= scale as f32;
        let sharpening = Some(sharpening);
        Ok(Enhancement { width, height, sharpening, denoises, noise_above, depth })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::Color;

    fn recipe(scale: Option<f64>) -> Recipe {
        Recipe { scale, ..Recipe::new(Job::Combo) }
    }

    #[test]
    fn levels_enlarge_by_their_factor_and_scale_overrides_them() {
        let size = |recipe: Recipe| recipe.enhancement(100, 51, 1 << 40).map(|e| (e.width, e.height)).unwrap();
        assert_eq!(size(recipe(None)), (200, 102));
        assert_eq!(size(Recipe { level: Level::Light, ..recipe(None) }), (150, 77));
        assert_eq!(size(Recipe { level: Level::Strong, ..recipe(None) }), (300, 153));
        assert_eq!(size(recipe(Some(1.0))), (100, 51));
    }

    #[test]
    fn a_recipe_survives_being_stored() {
        let cutout = CutoutOptions { background: Some(Color([1, 2, 3])), crop: Some(0.1), ..Default::default() };
        let stored = Recipe { cutout, level: Level::Strong, scale: Some(1.5), ..Recipe::new(Job::Combo) };
        let text = serde_json::to_string(&stored).unwrap();
        assert_eq!(serde_json::from_str::<Recipe>(&text).unwrap(), stored);
        assert_eq!(serde_json::from_str::<Recipe>(r#"{"job":"combo"}"#).unwrap(), Recipe::new(Job::Combo));
        assert!(serde_json::from_str::<Recipe>(r#"{"job":"combo","colour":1}"#).is_err());
    }

    #[test]
    fn a_cutout_keeps_the_size_and_is_not_sharpened() {
        let enhancement = Recipe::new(Job::Cutout).enhancement(100, 51, 1).unwrap();
        assert_eq!(
            enhancement,
            Enhancement {
                width: 100,
                height: 51,
                sharpening: None,
                denoises: false,
                noise_above: -1.0,
                depth: Depth::Eight
            }
        );
    }

    #[test]
    fn a_scale_out_of_range_is_refused() {
        for scale in [0.0, 0.99, 4.01, f64::NAN, f64::INFINITY, -1.0] {
            assert!(recipe(Some(scale)).enhancement(10, 10, 1 << 40).is_err(), "{scale}");
        }
    }

    #[test]
    fn a_result_past_the_limit_names_a_scale_that_is_allowed() {
        let error = recipe(Some(3.0)).enhancement(5000, 4000, 100_000_000).unwrap_err().to_string();
        let named: f64 = error.split("--scale ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        assert!(recipe(Some(named)).enhancement(5000, 4000, 100_000_000).is_ok(), "{error}");
        assert!(recipe(Some(named + 0.02)).enhancement(5000, 4000, 100_000_000).is_err(), "{error}");
    }

    #[test]
    fn sixteen_bits_and_smallness_are_for_png() {
        let deep = CutoutOptions { depth: Depth::Sixteen, ..Default::default() };
        let small = CutoutOptions { compression: Compression::Small, ..Default::default() };
        for cutout in [deep, small] {
            let asked = Recipe { cutout, ..recipe(None) };
            assert!(asked.enhancement(10, 10, 1 << 20).is_ok());
            let error = Recipe { format: Format::WebP, ..asked }.enhancement(10, 10, 1 << 20).unwrap_err().to_string();
            assert!(error.contains("--format png"), "{error}");
        }
    }

    #[test]
    fn a_result_too_long_for_its_format_is_refused_before_any_work() {
        let webp = Recipe { format: Format::WebP, ..recipe(Some(2.0)) };
        let error = webp.enhancement(9000, 100, u64::MAX).unwrap_err().to_string();
        assert!(error.contains("--format png"), "{error}");
        assert!(recipe(Some(2.0)).enhancement(9000, 100, u64::MAX).is_ok());
        let cutout = Recipe { format: Format::WebP, ..Recipe::new(Job::Cutout) };
        assert!(cutout.enhancement(16_384, 100, u64::MAX).is_err());
    }
}
