//! `cameo enhance`: larger and sharper; the background stays.

use std::process::ExitCode;

use super::batch::{self, BatchArgs};
use crate::error::Result;
use crate::pipeline::{Job, Level, Recipe};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    batch: BatchArgs,
    #[command(flatten)]
    enhance: EnhanceArgs,
    /// Take a background's colours out of the soft edges of a cut-out
    #[arg(long)]
    decontaminate: bool,
}

/// Flags of every command that enhances.
#[derive(Debug, clap::Args)]
pub struct EnhanceArgs {
    /// How strongly: light (1.5x), medium (2x) or strong (3x)
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

pub fn run(args: Args) -> Result<ExitCode> {
    let mut recipe = Recipe::new(Job::Enhance);
    args.enhance.apply(&mut recipe);
    recipe.decontaminate = args.decontaminate;
    batch::run(&args.batch, recipe)
}
