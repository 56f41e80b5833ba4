//! `cameo enhance`: enlarges and sharpens; the background stays.

use std::process::ExitCode;

use cameo_core::pipeline::{Level, Operation, Recipe};

use super::batch::{self, BatchArgs};
use super::error::Result;

#[derive(Debug, clap::Args)]
pub struct EnhanceCommandArgs {
    #[command(flatten)]
    batch: BatchArgs,
    #[command(flatten)]
    enhance: EnhanceArgs,
    /// Remove the former background's colours from the soft edges of a cut-out
    #[arg(long)]
    decontaminate: bool,
}

/// Flags of every command that enhances.
#[derive(Debug, clap::Args)]
pub struct EnhanceArgs {
    /// How strongly to enhance: light (1.5x), medium (2x) or strong (3x, removes noise)
    #[arg(long, default_value_t)]
    level: Level,
    /// Enlarge by this factor instead of the level's: 1 to 4
    #[arg(long, value_name = "FACTOR")]
    scale: Option<f64>,
}

impl EnhanceArgs {
    pub fn apply(&self, recipe: &mut Recipe) {
        recipe.level = self.level;
        recipe.scale = self.scale;
    }
}

pub fn run(args: EnhanceCommandArgs) -> Result<ExitCode> {
    let mut recipe = Recipe::new(Operation::Enhance);
    args.enhance.apply(&mut recipe);
    recipe.decontaminate = args.decontaminate;
    batch::run(&args.batch, recipe)
}
