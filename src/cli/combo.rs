//! `cameo combo`: cut out, then enhance.

use std::process::ExitCode;

use super::batch::{self, BatchArgs};
use super::cutout::MatteArgs;
use super::enhance::EnhanceArgs;
use crate::error::Result;
use crate::pipeline::{Job, Recipe};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    batch: BatchArgs,
    #[command(flatten)]
    matte: MatteArgs,
    #[command(flatten)]
    enhance: EnhanceArgs,
}

pub fn run(args: Args) -> Result<ExitCode> {
    let mut recipe = Recipe::new(Job::Combo);
    args.matte.apply(&mut recipe);
    args.enhance.apply(&mut recipe);
    batch::run(&args.batch, recipe)
}
