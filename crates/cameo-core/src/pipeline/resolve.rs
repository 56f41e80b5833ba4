//! A recipe resolved for one photo: the sizes, the cost and the stages of its run, computed once and passed on.

use super::error::RecipeError;
use super::level::{LevelSettings, Sharpening};
use super::recipe::{Operation, Recipe};
use crate::codec::{Depth, ImageHeader, InputLimits};
use crate::tuning::SUBJECT_ALPHA;

/// How large an image and its result may be.
#[derive(Debug, Clone)]
pub struct ProcessingLimits {
    pub input: InputLimits,
    /// Pixels of a result.
    pub max_output_pixels: u64,
}

impl Default for ProcessingLimits {
    fn default() -> Self {
        Self { input: InputLimits::default(), max_output_pixels: 100_000_000 }
    }
}

/// The size of a result, and how the photo is enhanced on the way to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Enhancement {
    pub width: u32,
    pub height: u32,
    /// `None` leaves the resampled pixels unchanged.
    pub sharpening: Option<Sharpening>,
    /// Removes noise before sharpening, and raises the sharpening's threshold by the noise that there was.
    pub denoises: bool,
    /// Noise is measured where alpha is above this value; a negative value measures everywhere, because the constants
    /// of the measurement were determined on whole photos.
    pub noise_above: f32,
    pub depth: Depth,
}

/// A recipe and the photo size it was resolved for.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedRecipe {
    pub recipe: Recipe,
    /// Width and height of the photo, in pixels.
    pub photo: [u32; 2],
    pub enhancement: Enhancement,
    max_output_pixels: u64,
}

impl Recipe {
    /// Resolves this recipe for a photo of the size in `header`.
    ///
    /// # Errors
    /// [`RecipeError`] as for [`Recipe::check`], or if the result would have more pixels than `limits` allow (the
    /// message names the largest scale that is allowed) or a longer side than its format has.
    pub fn resolve(&self, header: ImageHeader, limits: &ProcessingLimits) -> Result<ResolvedRecipe, RecipeError> {
        self.check()?;
        let photo = [header.width, header.height];
        let enhancement = enhancement(self, photo, limits.max_output_pixels)?;
        Ok(ResolvedRecipe { recipe: self.clone(), photo, enhancement, max_output_pixels: limits.max_output_pixels })
    }
}

impl ResolvedRecipe {
    /// Returns the pixels of the photo and of the result together: what the run acquires from the pixel budget.
    pub fn pixels(&self) -> u64 {
        let Enhancement { width, height, .. } = self.enhancement;
        pixels(self.photo) + pixels([width, height])
    }

    /// Returns the same for the decoded photo, whose sides an EXIF orientation may have exchanged.
    ///
    /// # Errors
    /// As [`Recipe::resolve`].
    pub(super) fn for_decoded_photo(self, photo: [u32; 2]) -> Result<Self, RecipeError> {
        if photo == self.photo {
            return Ok(self);
        }
        Ok(Self { photo, enhancement: enhancement(&self.recipe, photo, self.max_output_pixels)?, ..self })
    }

    /// Returns whether the edge stage runs.
    pub(super) fn shapes_edge(&self) -> bool {
        self.recipe.operation.cuts_out() && self.recipe.cutout.shapes_edge()
    }
}

fn pixels([width, height]: [u32; 2]) -> u64 {
    u64::from(width) * u64::from(height)
}

fn scaled([width, height]: [u32; 2], scale: f64) -> [u32; 2] {
    [width, height].map(|side| ((f64::from(side) * scale).round() as u32).max(1))
}

fn enhancement(recipe: &Recipe, photo: [u32; 2], max_pixels: u64) -> Result<Enhancement, RecipeError> {
    let scale = recipe.scale();
    let [width, height] = scaled(photo, scale);
    // A cut-out has the photo's size, which the input limits bound.
    if recipe.operation != Operation::Cutout && pixels([width, height]) > max_pixels {
        return Err(too_many_pixels(photo, scale, max_pixels));
    }
    check_sides(recipe, width.max(height))?;
    // Where an edge moves outwards, decontamination has filled its surroundings with flat colours, which have no noise.
    let recolored =
        recipe.operation.cuts_out() && recipe.decontaminates() && recipe.cutout.outward_reach(photo[0], photo[1]) > 0;
    let noise_above = if recolored { SUBJECT_ALPHA } else { -1.0 };
    let LevelSettings { sharpening, denoises, .. } = recipe.level.settings();
    let (sharpening, denoises) = match recipe.operation {
        Operation::Cutout => (None, false),
        // The levels state sigma in pixels of the photo.
        Operation::Combo | Operation::Enhance => {
            (Some(Sharpening { sigma: sharpening.sigma * scale as f32, ..sharpening }), denoises)
        }
    };
    Ok(Enhancement { width, height, sharpening, denoises, noise_above, depth: recipe.cutout.depth })
}

fn check_sides(recipe: &Recipe, longest: u32) -> Result<(), RecipeError> {
    let format = recipe.format;
    if longest <= format.max_side() {
        return Ok(());
    }
    Err(RecipeError(format!(
        "the result would have {longest} pixels on a side, {format} allows {}: use --format png or a smaller --scale",
        format.max_side()
    )))
}

/// Returns the error for a result of more than `max_pixels`, with the largest scale that is allowed.
fn too_many_pixels(photo: [u32; 2], scale: f64, max_pixels: u64) -> RecipeError {
    let result = |scale: f64| pixels(scaled(photo, scale));
    // Rounded down to hundredths: the scale that the message names must be accepted.
    let mut largest = ((max_pixels as f64 / pixels(photo) as f64).sqrt() * 100.0).floor() / 100.0;
    while largest >= 1.0 && result(largest) > max_pixels {
        largest -= 0.01;
    }
    let advice = match largest >= 1.0 {
        true => format!("use --scale {largest:.2} or less"),
        false => "scale the photo down first".into(),
    };
    let [width, height] = photo;
    RecipeError(format!(
        "a {width}x{height} photo at scale {scale} gives {:.1} megapixels, the limit is {:.1}: {advice}",
        result(scale) as f64 / 1e6,
        max_pixels as f64 / 1e6
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Format;
    use crate::pipeline::Level;

    fn combo(scale: Option<f64>) -> Recipe {
        Recipe { scale, ..Recipe::new(Operation::Combo) }
    }

    fn resolve(recipe: &Recipe, width: u32, height: u32) -> Result<ResolvedRecipe, RecipeError> {
        recipe.resolve(ImageHeader { width, height }, &ProcessingLimits::default())
    }

    #[test]
    fn levels_enlarge_by_their_factor_and_scale_overrides_them() {
        let size = |recipe: Recipe| {
            let Enhancement { width, height, .. } = resolve(&recipe, 100, 51).unwrap().enhancement;
            (width, height)
        };
        assert_eq!(size(combo(None)), (200, 102));
        assert_eq!(size(Recipe { level: Level::Light, ..combo(None) }), (150, 77));
        assert_eq!(size(Recipe { level: Level::Strong, ..combo(None) }), (300, 153));
        assert_eq!(size(combo(Some(1.0))), (100, 51));
    }

    #[test]
    fn a_cutout_keeps_the_size_and_is_not_sharpened() {
        let limits = ProcessingLimits { max_output_pixels: 1, ..Default::default() };
        let cutout = Recipe::new(Operation::Cutout);
        let resolved = cutout.resolve(ImageHeader { width: 100, height: 51 }, &limits).unwrap();
        let unchanged = Enhancement {
            width: 100,
            height: 51,
            sharpening: None,
            denoises: false,
            noise_above: -1.0,
            depth: Depth::Eight,
        };
        assert_eq!(resolved.enhancement, unchanged);
    }

    #[test]
    fn a_run_costs_the_pixels_of_its_photo_and_its_result() {
        assert_eq!(resolve(&combo(None), 100, 51).unwrap().pixels(), 5_100 + 200 * 102);
        assert_eq!(resolve(&Recipe::new(Operation::Cutout), 100, 51).unwrap().pixels(), 2 * 5_100);
    }

    #[test]
    fn a_photo_that_is_turned_upright_exchanges_the_sides_of_its_result() {
        let resolved = resolve(&combo(None), 100, 51).unwrap().for_decoded_photo([51, 100]).unwrap();
        assert_eq!((resolved.enhancement.width, resolved.enhancement.height), (102, 200));
    }

    #[test]
    fn a_result_past_the_limit_names_a_scale_that_is_allowed() {
        let error = resolve(&combo(Some(3.0)), 5000, 4000).unwrap_err().to_string();
        let named: f64 = error.split("--scale ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        assert!(resolve(&combo(Some(named)), 5000, 4000).is_ok(), "{error}");
        assert!(resolve(&combo(Some(named + 0.02)), 5000, 4000).is_err(), "{error}");
    }

    #[test]
    fn a_result_too_long_for_its_format_is_refused_before_any_work() {
        let webp = Recipe { format: Format::WebP, ..combo(Some(2.0)) };
        let error = resolve(&webp, 9000, 100).unwrap_err().to_string();
        assert!(error.contains("--format png"), "{error}");
        assert!(resolve(&combo(Some(2.0)), 9000, 100).is_ok());
        let cutout = Recipe { format: Format::WebP, ..Recipe::new(Operation::Cutout) };
        assert!(resolve(&cutout, 16_384, 100).is_err());
    }
}
