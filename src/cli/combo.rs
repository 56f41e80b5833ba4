//! `cameo combo`: cuts out, then enhances.

use std::process::ExitCode;

use cameo_core::pipeline::{Operation, Recipe};

use super::batch::{self, BatchArgs};
use super::cutout::MatteArgs;
use super::enhance::EnhanceArgs;
use super::error::Result;

#[derive(Debug, clap::Args)]
pub struct ComboArgs {
    #[command(flatten)]
    batch: BatchArgs,
    #[command(flatten)]
    matte: MatteArgs,
    #[command(flatten)]
    enhance: EnhanceArgs,
}

pub fn run(args: ComboArgs) -> Result<ExitCode> {
    let mut recipe = Recipe::new(Operation::Combo);
    args.matte.apply(&mut recipe);
    args.enhance.apply(&mut recipe);
    batch::run(&args.batch, recipe)
}
