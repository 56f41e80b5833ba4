//! Whether an engine computes what it should: tuned kernels have been silently wrong on some adapters.

use std::time::Instant;

use cameo_models::Network;

use super::{Bounds, CutoutOptions, Handle, Job, Recipe, read, unwatched, write};
use crate::codec;
use crate::error::{Error, Result};

/// The network the test runs: the small one, which takes seconds at most.
const NETWORK: Network = Network::U2NetP;

/// A photo of a person, at U2-Net-p's own size.
pub const SAMPLE: &[u8] = include_bytes!("../../../tests/golden/u2netp_320_input.png");
/// What onnxruntime makes of it.
const GOLDEN: &[u8] = include_bytes!("../../../tests/golden/u2netp_320.png");

/// Largest and mean difference allowed, of 255: rounding to 8 bits, and the order of sums.
const MAX_DIFFERENCE: u8 = 2;
const MEAN_DIFFERENCE: f64 = 0.05;

fn recipe() -> Recipe {
    let cutout = CutoutOptions { model: NETWORK, plain_matte: true, ..Default::default() };
    Recipe { cutout, ..Recipe::new(Job::Cutout) }
}

/// As a user asks for it, with the guide: all stages and all but the large network.
fn warm_recipe() -> Recipe {
    let cutout = CutoutOptions { model: NETWORK, ..Default::default() };
    Recipe { cutout, ..Recipe::new(Job::Combo) }
}

/// The networks that [`self_test`] runs.
pub fn self_test_networks() -> Vec<Network> {
    warm_recipe().networks()
}

/// Cuts out the built-in photo, compares the matte with onnxruntime's, and says in one line how they differ.
///
/// # Errors
/// [`Error::Engine`] if they differ by more than rounding; and whatever stops the road.
pub fn self_test(engine: &Handle) -> Result<String> {
    let since = Instant::now();
    let bounds = Bounds::default();
    let recipe = recipe();
    let parcel = engine.road(read(SAMPLE, &recipe, &bounds, unwatched())?, &recipe)?;
    let found = codec::decode(&write(parcel, &recipe)?.bytes, &bounds.input)?;
    let golden = codec::decode(GOLDEN, &bounds.input)?;
    let pixels = found.pixels.as_chunks::<4>().0.iter().zip(golden.pixels.as_chunks::<4>().0);
    let differences: Vec<u8> = pixels.map(|(found, golden)| found[3].abs_diff(golden[0])).collect();
    let most = differences.iter().copied().max().unwrap_or_default();
    let mean = differences.iter().map(|&difference| difference as f64).sum::<f64>() / differences.len() as f64;
    let line = format!(
        "{NETWORK} on the {} differs from its golden by at most {most}/255, {mean:.4}/255 on average ({:.1} s)",
        engine.name,
        since.elapsed().as_secs_f64()
    );
    match most <= MAX_DIFFERENCE && mean <= MEAN_DIFFERENCE {
        true => Ok(line),
        false => Err(Error::Engine {
            engine: engine.name,
            reason: format!("{line}: do not trust its pictures, use --device cpu"),
        }),
    }
}

/// Cuts out and enhances the built-in photo, so that no user's photo waits for what an engine does once.
///
/// # Errors
/// Whatever stops the road.
pub fn warm_up(engine: &Handle) -> Result<()> {
    let recipe = warm_recipe();
    engine.road(read(SAMPLE, &recipe, &Bounds::default(), unwatched())?, &recipe).map(drop)
}
