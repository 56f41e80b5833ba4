//! Whether an engine computes what it should: tuned GPU kernels have been silently wrong on some adapters.

use std::time::Instant;

use cameo_models::{Network, SELF_TEST_MATTE, SELF_TEST_PORTRAIT};

use super::engine::EngineOutput;
use super::engine_thread::EngineHandle;
use super::error::{EngineError, PipelineError};
use super::options::CutoutOptions;
use super::recipe::{Operation, Recipe};
use super::resolve::ProcessingLimits;
use super::stages::{InFlight, decode_input, encode_output};
use super::times::no_observer;
use crate::codec;

/// The small network, which takes at most seconds.
const NETWORK: Network = Network::U2NetP;

/// Largest and mean difference from the golden matte that are allowed, in units of 1/255. They allow for rounding to
/// 8 bits and for another order of summation.
const MAX_DIFFERENCE: u8 = 2;
const MEAN_DIFFERENCE: f64 = 0.05;

/// Returns the recipe whose matte is compared with the golden one.
fn golden_recipe() -> Recipe {
    let cutout = CutoutOptions { model: NETWORK, plain_matte: true, ..Default::default() };
    Recipe { cutout, ..Recipe::new(Operation::Cutout) }
}

/// Returns a recipe that runs every stage by default options, and every network except the large one.
fn warm_up_recipe() -> Recipe {
    let cutout = CutoutOptions { model: NETWORK, ..Default::default() };
    Recipe { cutout, ..Recipe::new(Operation::Combo) }
}

/// Returns the networks that [`self_test`] and [`warm_up`] run.
pub fn self_test_networks() -> Vec<Network> {
    warm_up_recipe().networks()
}

/// Cuts out the built-in portrait, compares the matte with that of onnxruntime, and returns one line about the
/// difference.
///
/// # Errors
/// [`EngineError::SelfTest`] if they differ by more than rounding, and every error of the pipeline.
pub fn self_test(engine: &EngineHandle) -> Result<String, PipelineError> {
    let start = Instant::now();
    let limits = ProcessingLimits::default();
    let cutout = codec::decode(&encode_output(run(engine, &golden_recipe())?)?.bytes, &limits.input)?;
    let golden = codec::decode(SELF_TEST_MATTE, &limits.input)?;
    let pixels = cutout.pixels.as_chunks::<4>().0.iter().zip(golden.pixels.as_chunks::<4>().0);
    let differences: Vec<u8> = pixels.map(|(cutout, golden)| cutout[3].abs_diff(golden[0])).collect();
    let max = differences.iter().copied().max().unwrap_or_default();
    let mean = differences.iter().map(|&difference| f64::from(difference)).sum::<f64>() / differences.len() as f64;
    let line = format!(
        "the {NETWORK} matte on the {} differs from the golden one by at most {max}/255, {mean:.4}/255 on average \
         ({:.1} s)",
        engine.name,
        start.elapsed().as_secs_f64()
    );
    match max <= MAX_DIFFERENCE && mean <= MEAN_DIFFERENCE {
        true => Ok(line),
        false => {
            let reason = format!("{line}: do not trust its results, use --device cpu");
            Err(EngineError::SelfTest { engine: engine.name, reason }.into())
        }
    }
}

/// Cuts out and enhances the built-in portrait, so that no user's photo waits for one-time work such as compilation.
///
/// # Errors
/// Every error of the pipeline.
pub fn warm_up(engine: &EngineHandle) -> Result<(), PipelineError> {
    run(engine, &warm_up_recipe()).map(drop)
}

fn run(engine: &EngineHandle, recipe: &Recipe) -> Result<InFlight<EngineOutput>, PipelineError> {
    let limits = ProcessingLimits::default();
    let resolved = recipe.resolve(codec::header(SELF_TEST_PORTRAIT, &limits.input)?, &limits)?;
    engine.run_stages(decode_input(SELF_TEST_PORTRAIT, resolved, &limits, no_observer())?)
}
