//! Everything that decides the pixels of a result.

use cameo_models::Network;
use serde::{Deserialize, Serialize};
use strum::VariantArray;

use super::error::RecipeError;
use super::level::Level;
use super::options::CutoutOptions;
use crate::codec::{Compression, Depth, Encoding, Format};

/// The network that computes the coarse matte for every cut-out, whichever network computes the final one.
pub const COARSE_NETWORK: Network = Network::U2NetP;

/// The smallest and the largest enlargement.
const SCALES: std::ops::RangeInclusive<f64> = 1.0..=4.0;

/// What is done to a photo.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Operation {
    /// Cuts out, then enhances.
    Combo,
    /// Cuts out at the photo's size.
    Cutout,
    /// Enhances and keeps the background.
    Enhance,
}

impl Operation {
    pub const ALL: &[Operation] = Operation::VARIANTS;

    /// Returns the name in commands, stored tasks and metrics.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns whether the background is removed.
    pub fn cuts_out(self) -> bool {
        self != Operation::Enhance
    }
}

/// Everything that decides the pixels of a result, apart from the photo. Stored with each task as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    pub operation: Operation,
    #[serde(default)]
    pub cutout: CutoutOptions,
    #[serde(default)]
    pub level: Level,
    /// Enlargement, 1 to 4; `None` takes the level's.
    #[serde(default)]
    pub scale: Option<f64>,
    /// For [`Operation::Enhance`]: removes a former background's colours from the soft edges of a cut-out.
    #[serde(default)]
    pub decontaminate: bool,
    #[serde(default)]
    pub format: Format,
}

impl Recipe {
    /// Creates a recipe with the default options.
    pub fn new(operation: Operation) -> Self {
        Self {
            operation,
            cutout: CutoutOptions::default(),
            decontaminate: false,
            level: Level::default(),
            scale: None,
            format: Format::default(),
        }
    }

    /// Returns the network that computes the matte; `None` if nothing is cut out.
    pub fn network(&self) -> Option<Network> {
        self.operation.cuts_out().then_some(self.cutout.model)
    }

    /// Returns all networks that this recipe runs.
    pub fn networks(&self) -> Vec<Network> {
        let Some(model) = self.network() else { return Vec::new() };
        let mut networks = vec![COARSE_NETWORK];
        networks.extend((model != COARSE_NETWORK).then_some(model));
        networks.extend(self.cutout.guided().then_some(Network::Selfie));
        networks
    }

    /// Returns whether colours are decontaminated.
    pub fn decontaminates(&self) -> bool {
        if self.operation.cuts_out() { self.cutout.decontaminate } else { self.decontaminate }
    }

    /// Returns whether the result is the matte instead of the cut-out.
    pub fn matte_only(&self) -> bool {
        self.operation.cuts_out() && self.cutout.matte_only
    }

    /// Returns how the result is encoded.
    pub fn encoding(&self) -> Encoding {
        Encoding { format: self.format, compression: self.cutout.compression }
    }

    /// Returns the enlargement.
    pub fn scale(&self) -> f64 {
        match self.operation {
            Operation::Cutout => 1.0,
            Operation::Combo | Operation::Enhance => self.scale.unwrap_or(self.level.settings().scale),
        }
    }

    /// Checks everything that does not depend on the photo.
    ///
    /// # Errors
    /// [`RecipeError`] if a value is out of range, or two values contradict each other.
    pub fn check(&self) -> Result<(), RecipeError> {
        self.cutout.check()?;
        if self.format != Format::Png {
            let refused =
                |why, instead| Err(RecipeError(format!("{} {why}: use --format png or {instead}", self.format)));
            if self.cutout.depth == Depth::Sixteen {
                return refused("has 8 bits per channel", "--depth 8");
            }
            if self.cutout.compression == Compression::Small {
                return refused("has only one compression", "--compression fast");
            }
        }
        if !SCALES.contains(&self.scale()) {
            return Err(RecipeError(format!("the scale {} is out of range: use 1 to 4", self.scale())));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::Color;

    fn combo(scale: Option<f64>) -> Recipe {
        Recipe { scale, ..Recipe::new(Operation::Combo) }
    }

    #[test]
    fn a_stored_recipe_reads_back_unchanged() {
        let cutout = CutoutOptions { background: Some(Color([1, 2, 3])), crop: Some(0.1), ..Default::default() };
        let stored = Recipe { cutout, level: Level::Strong, ..combo(Some(1.5)) };
        let text = serde_json::to_string(&stored).unwrap();
        assert_eq!(serde_json::from_str::<Recipe>(&text).unwrap(), stored);
        assert_eq!(serde_json::from_str::<Recipe>(r#"{"operation":"combo"}"#).unwrap(), combo(None));
        assert!(serde_json::from_str::<Recipe>(r#"{"operation":"combo","colour":1}"#).is_err());
    }

    #[test]
    fn a_scale_out_of_range_is_refused() {
        for scale in [0.0, 0.99, 4.01, f64::NAN, f64::INFINITY, -1.0] {
            assert!(combo(Some(scale)).check().is_err(), "{scale}");
        }
        assert!(combo(Some(1.0)).check().is_ok() && combo(Some(4.0)).check().is_ok());
    }

    #[test]
    fn sixteen_bits_and_small_compression_are_for_png_only() {
        let sixteen = CutoutOptions { depth: Depth::Sixteen, ..Default::default() };
        let small = CutoutOptions { compression: Compression::Small, ..Default::default() };
        for cutout in [sixteen, small] {
            let recipe = Recipe { cutout, ..combo(None) };
            assert!(recipe.check().is_ok());
            let error = Recipe { format: Format::WebP, ..recipe }.check().unwrap_err().to_string();
            assert!(error.contains("--format png"), "{error}");
        }
    }

    #[test]
    fn an_unknown_level_names_those_that_exist() {
        let error = "huge".parse::<Level>().unwrap_err().to_string();
        assert!(error.contains("light, medium or strong"), "{error}");
    }
}
