//! `cameo cutout`: the portrait without its background, at the photo's size.

use std::process::ExitCode;

use cameo_models::Network;

use super::batch::{self, BatchArgs};
use crate::error::Result;
use crate::pipeline::{Color, CutoutOptions, Edge, Guide, Job, Recipe};

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
    #[arg(long, default_value_t = Network::IsNet, help_heading = "Matte")]
    model: Network,
    /// What the network is guided by: portrait looks for people, none leaves it alone
    #[arg(long, default_value_t, help_heading = "Matte")]
    guide: Guide,
    /// Keep to the network's matte of the whole photo, resampled by Lanczos-3: neither guided nor refined
    #[arg(long, help_heading = "Matte")]
    plain_matte: bool,
    /// Leave the background's colours in soft edges
    #[arg(long, help_heading = "Matte")]
    no_decontaminate: bool,
    /// Fill holes in the subject of up to this share of the photo: 0 to 1
    #[arg(long, value_name = "SHARE", help_heading = "Matte")]
    fill_holes: Option<f64>,
    /// Keep the largest subject alone
    #[arg(long, help_heading = "Matte")]
    largest: bool,
    /// Make alpha full from this value on, and none below: 0.001 to 0.999
    #[arg(long, value_name = "ALPHA", help_heading = "Matte")]
    threshold: Option<f64>,
    /// Move the edge inwards by so many of the photo's pixels, outwards if negative: -20 to 20
    #[arg(long, value_name = "PIXELS", default_value_t = 0.0, allow_negative_numbers = true, help_heading = "Matte")]
    choke: f64,
    /// Blur the edge; the deviation in the photo's pixels: 0 to 50
    #[arg(long, value_name = "PIXELS", default_value_t = 0.0, help_heading = "Matte")]
    feather: f64,
    /// How the edge looks: soft, natural or crisp
    #[arg(long, default_value_t, help_heading = "Matte")]
    edge: Edge,
    /// Lay the cut-out on this colour, such as #ffffff [default: transparent]
    #[arg(long, value_name = "COLOUR", help_heading = "Matte")]
    background: Option<Color>,
    /// Crop to the subject, with a margin of this share of its longer side [if no MARGIN is given: 0.05]
    #[arg(long, value_name = "MARGIN", num_args = 0..=1, require_equals = true, default_missing_value = "0.05", help_heading = "Matte")]
    crop: Option<f64>,
    /// Write the matte as a grey picture: white is the subject
    #[arg(long, help_heading = "Matte")]
    matte_only: bool,
}

impl MatteArgs {
    pub fn apply(&self, recipe: &mut Recipe) {
        recipe.cutout = CutoutOptions {
            model: self.model,
            guide: self.guide,
            plain_matte: self.plain_matte,
            decontaminate: !self.no_decontaminate,
            fill_holes: self.fill_holes,
            largest: self.largest,
            threshold: self.threshold,
            choke: self.choke,
            feather: self.feather,
            edge: self.edge,
            background: self.background,
            crop: self.crop,
            matte_only: self.matte_only,
            ..Default::default()
        };
    }
}

pub fn run(args: Args) -> Result<ExitCode> {
    let mut recipe = Recipe::new(Job::Cutout);
    args.matte.apply(&mut recipe);
    batch::run(&args.batch, recipe)
}
