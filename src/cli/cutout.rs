//! `cameo cutout`: the portrait without its background, at the photo's size.

use std::process::ExitCode;

use cameo_models::Network;

use super::batch::{self, BatchArgs};
use crate::error::Result;
use crate::pipeline::{Color, CutoutOptions, Job, Recipe};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    batch: BatchArgs,
    #[command(flatten)]
    matte: MatteArgs,
}

/// Flags of every command that cuts out.
#[derive(Debug, clap::Args)]
pub struct MatteArgs {
    /// Network: isnet for quality, u2netp for speed
    #[arg(long, default_value_t = Network::IsNet)]
    model: Network,
    /// Lay the cut-out on this colour, such as #ffffff [default: transparent]
    #[arg(long, value_name = "COLOUR")]
    background: Option<Color>,
    /// Crop to the subject, with a margin of this share of its longer side [if no MARGIN is given: 0.05]
    #[arg(long, value_name = "MARGIN", num_args = 0..=1, require_equals = true, default_missing_value = "0.05")]
    crop: Option<f64>,
    /// Write the matte as a grey picture: white is the subject
    #[arg(long)]
    matte_only: bool,
    /// Keep to the network's matte, resampled by Lanczos-3, whatever refines it otherwise
    #[arg(long)]
    plain_matte: bool,
}

impl MatteArgs {
    pub fn apply(&self, recipe: &mut Recipe) {
        recipe.cutout = CutoutOptions {
            model: self.model,
            background: self.background,
            crop: self.crop,
            matte_only: self.matte_only,
            plain_matte: self.plain_matte,
        };
    }
}

pub fn run(args: Args) -> Result<ExitCode> {
    let mut recipe = Recipe::new(Job::Cutout);
    args.matte.apply(&mut recipe);
    batch::run(&args.batch, recipe)
}
