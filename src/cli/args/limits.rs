//! How large images may be, and how many pixels are processed at once.

use cameo_core::codec::InputLimits;
use cameo_core::pipeline::{PixelBudget, ProcessingLimits};

/// Flags that bound memory and time per image.
#[derive(Debug, Clone, clap::Args)]
pub struct LimitArgs {
    /// Largest photo that is accepted, in megapixels
    #[arg(long, value_name = "MP", default_value_t = 50.0, env = "CAMEO_MAX_INPUT_MEGAPIXELS", value_parser = megapixels)]
    pub max_input_megapixels: f64,
    /// Largest result that is produced, in megapixels
    #[arg(long, value_name = "MP", default_value_t = 100.0, env = "CAMEO_MAX_OUTPUT_MEGAPIXELS", value_parser = megapixels)]
    pub max_output_megapixels: f64,
    /// Megapixels of photos and results processed at once; a larger image is processed alone
    #[arg(long, value_name = "MP", default_value_t = 150.0, env = "CAMEO_MAX_MEGAPIXELS_IN_FLIGHT", value_parser = megapixels_or_none)]
    pub max_megapixels_in_flight: f64,
}

impl LimitArgs {
    pub fn budget(&self) -> PixelBudget {
        PixelBudget::new(pixels(self.max_megapixels_in_flight))
    }

    pub fn processing_limits(&self) -> ProcessingLimits {
        ProcessingLimits {
            input: InputLimits { max_pixels: pixels(self.max_input_megapixels), ..Default::default() },
            max_output_pixels: pixels(self.max_output_megapixels),
        }
    }
}

/// More than any photo has, and few enough to count their pixels.
const MAX_MEGAPIXELS: f64 = 1e6;

fn megapixels(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|megapixels| (0.01..=MAX_MEGAPIXELS).contains(megapixels));
    number.ok_or_else(|| format!("use megapixels from 0.01 to {MAX_MEGAPIXELS}, such as 50"))
}

/// Parses a number that may be as small as 0.
pub fn megapixels_or_none(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|megapixels| (0.0..=MAX_MEGAPIXELS).contains(megapixels));
    number.ok_or_else(|| format!("use megapixels from 0 to {MAX_MEGAPIXELS}, such as 150"))
}

fn pixels(megapixels: f64) -> u64 {
    (megapixels * 1e6) as u64
}
