//! What the machine's owner may set, read once: flags, then environment, then defaults.

pub mod file;
pub mod serve;

use std::path::{Path, PathBuf};

use cameo_models::manifest::MANIFEST;

use crate::codec::Limits;
use crate::pipeline::{Bounds, Budget, OutputLimit};

/// Which engine to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Device {
    /// A real GPU if there is one, else the CPU
    #[default]
    Auto,
    /// A GPU, or nothing
    Gpu,
    /// The CPU
    Cpu,
}

/// Flags that every command which runs an engine has.
#[derive(Debug, Clone, clap::Args)]
pub struct EngineArgs {
    /// Engine to run on
    #[arg(long, value_enum, default_value_t, env = "CAMEO_DEVICE")]
    pub device: Device,
    /// Let --device gpu take a software adapter (for tests: it is slow)
    #[arg(long, env = "CAMEO_ALLOW_SOFTWARE")]
    pub allow_software: bool,
    /// Folder of the model weights [default: models beside the program, else ./models]
    #[arg(long, value_name = "DIR", env = "CAMEO_MODELS")]
    pub models: Option<PathBuf>,
}

impl EngineArgs {
    /// The models folder: the one that was set, else the first that has a manifest.
    ///
    /// Falls back to `models`, so that the error names a folder the reader can make.
    pub fn models_folder(&self) -> PathBuf {
        if let Some(folder) = &self.models {
            return folder.clone();
        }
        let program = std::env::current_exe().ok();
        let beside = program.as_deref().and_then(Path::parent);
        let shared = beside.and_then(Path::parent).map(|prefix| prefix.join("share/cameo/models"));
        let candidates = [beside.map(|folder| folder.join("models")), shared, Some(PathBuf::from("models"))];
        let found = candidates.into_iter().flatten().find(|folder| folder.join(MANIFEST).is_file());
        found.unwrap_or_else(|| PathBuf::from("models"))
    }
}

/// Flags for what an image may cost.
#[derive(Debug, Clone, clap::Args)]
pub struct BoundsArgs {
    /// Largest photo taken, in megapixels
    #[arg(long, value_name = "MP", default_value_t = 50.0, env = "CAMEO_MAX_INPUT_MEGAPIXELS")]
    pub max_input_megapixels: f64,
    /// Largest result made, in megapixels
    #[arg(long, value_name = "MP", default_value_t = 100.0, env = "CAMEO_MAX_OUTPUT_MEGAPIXELS")]
    pub max_output_megapixels: f64,
    /// Megapixels in work at once, those of photos and results together; a larger image is alone
    #[arg(long, value_name = "MP", default_value_t = 150.0, env = "CAMEO_MAX_MEGAPIXELS_IN_FLIGHT")]
    pub max_megapixels_in_flight: f64,
}

impl BoundsArgs {
    pub fn budget(&self) -> Budget {
        Budget::new((self.max_megapixels_in_flight * 1e6) as u64)
    }

    pub fn bounds(&self) -> Bounds {
        let pixels = |megapixels: f64| (megapixels * 1e6) as u64;
        let input = Limits { max_pixels: pixels(self.max_input_megapixels), ..Limits::default() };
        Bounds { input, output: OutputLimit(pixels(self.max_output_megapixels)) }
    }
}
