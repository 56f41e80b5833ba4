//! Which engine runs, and where its models are.

use std::path::{Path, PathBuf};

use cameo_models::manifest::MANIFEST;

/// Which engine to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Device {
    /// A real GPU if there is one, else the CPU
    #[default]
    Auto,
    /// A GPU; fails if there is none
    Gpu,
    /// The CPU
    Cpu,
}

/// Flags of every command that runs an engine.
#[derive(Debug, Clone, clap::Args)]
pub struct EngineArgs {
    /// The engine to run on
    #[arg(long, value_enum, default_value_t, env = "CAMEO_DEVICE")]
    pub device: Device,
    /// Let --device gpu use a software adapter such as lavapipe (slow; for tests)
    #[arg(long, env = "CAMEO_ALLOW_SOFTWARE")]
    pub allow_software: bool,
    /// Folder of the model weights [default: models beside the program, else ../share/cameo/models from there, else
    /// ./models]
    #[arg(long, value_name = "DIR", env = "CAMEO_MODELS")]
    pub models: Option<PathBuf>,
}

impl EngineArgs {
    /// Returns the models folder: the one that was set, else the first of the default places that has a manifest, else
    /// `models`, so that the error message names a folder that the user can create.
    pub fn models_folder(&self) -> PathBuf {
        if let Some(folder) = &self.models {
            return folder.clone();
        }
        let program = std::env::current_exe().ok();
        let program_folder = program.as_deref().and_then(Path::parent);
        let shared = program_folder.and_then(Path::parent).map(|prefix| prefix.join("share/cameo/models"));
        let candidates = [program_folder.map(|folder| folder.join("models")), shared, Some(PathBuf::from("models"))];
        let found = candidates.into_iter().flatten().find(|folder| folder.join(MANIFEST).is_file());
        found.unwrap_or_else(|| PathBuf::from("models"))
    }
}
