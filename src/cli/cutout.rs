//! `cameo cutout`: removes the background at the photo's size.

use std::process::ExitCode;

use cameo_core::pipeline::{Color, CutoutOptions, Edge, Guidance, Operation, Recipe};
use cameo_models::Network;

use super::batch::{self, BatchArgs};
use super::error::Result;

#[derive(Debug, clap::Args)]
pub struct CutoutArgs {
    #[command(flatten)]
    batch: BatchArgs,
    #[command(flatten)]
    matte: MatteArgs,
}

/// Flags of every command that cuts out.
#[derive(Debug, clap::Args)]
pub struct MatteArgs {
    /// Matting network: isnet for quality, u2netp for speed
    #[arg(long, default_value_t = Network::IsNet, help_heading = "Matte")]
    model: Network,
    /// What guides the network: portrait finds people and gives them a closer look, none disables that
    #[arg(long, default_value_t, help_heading = "Matte")]
    guidance: Guidance,
    /// Use the network's matte of the whole photo, resampled by Lanczos-3: neither guided nor refined
    #[arg(long, help_heading = "Matte")]
    plain_matte: bool,
    /// Leave the background's colours in soft edges
    #[arg(long, help_heading = "Matte")]
    no_decontaminate: bool,
    /// Fill holes in the subject that cover at most this fraction of the photo: 0 to 1
    #[arg(long, value_name = "FRACTION", help_heading = "Matte")]
    fill_holes: Option<f64>,
    /// Keep only the largest subject
    #[arg(long, help_heading = "Matte")]
    largest: bool,
    /// Make alpha 1 from this value on, and 0 below it: 0.001 to 0.999
    #[arg(long, value_name = "ALPHA", help_heading = "Matte")]
    threshold: Option<f64>,
    /// Move the edge inwards by this many pixels of the photo, outwards if negative: -20 to 20
    #[arg(long, value_name = "PIXELS", default_value_t = 0.0, allow_negative_numbers = true, help_heading = "Matte")]
    choke: f64,
    /// Blur the edge with this standard deviation, in pixels of the photo: 0 to 50
    #[arg(long, value_name = "PIXELS", default_value_t = 0.0, help_heading = "Matte")]
    feather: f64,
    /// How the edge looks: soft, natural or crisp
    #[arg(long, default_value_t, help_heading = "Matte")]
    edge: Edge,
    /// Put the cut-out on this colour, for example #ffffff [default: transparent]
    #[arg(long, value_name = "COLOUR", help_heading = "Matte")]
    background: Option<Color>,
    /// Crop to the subject, with a margin of this fraction of its longer side, 0 to 1 [without MARGIN: 0.05]
    #[arg(long, value_name = "MARGIN", num_args = 0..=1, require_equals = true, default_missing_value = "0.05", help_heading = "Matte")]
    crop: Option<f64>,
    /// Write the matte as a grey image, white for the subject
    #[arg(long, help_heading = "Matte")]
    matte_only: bool,
}

impl MatteArgs {
    pub fn apply(&self, recipe: &mut Recipe) {
        recipe.cutout = CutoutOptions {
            model: self.model,
            guidance: self.guidance,
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

pub fn run(args: CutoutArgs) -> Result<ExitCode> {
    let mut recipe = Recipe::new(Operation::Cutout);
    args.matte.apply(&mut recipe);
    batch::run(&args.batch, recipe)
}
