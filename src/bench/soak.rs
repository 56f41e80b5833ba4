//! Whether memory grows when an engine processes many small images.

use std::fmt;
use std::time::Instant;

use cameo_core::pipeline::{CutoutOptions, EngineHandle, Level, Operation, Recipe, no_observer};
use cameo_models::Network;

use super::error::BenchError;
use super::memory::resident;
use super::photo::photo;
use super::run::run;
use super::statistics::{MIB, median};

/// The sizes of the images, in the order they come. Neighbours differ, because buffers of equal size are reused.
const SIZES: [[u32; 2]; 10] = [
    [128, 128],
    [333, 221],
    [64, 400],
    [512, 384],
    [97, 89],
    [301, 500],
    [640, 200],
    [240, 320],
    [480, 481],
    [160, 90],
];

/// The number of images after which sizes and operations repeat. The first image of a cycle is cut out, the others are
/// enhanced.
pub const SOAK_CYCLE: usize = 20;

/// The growth of memory that is not a leak, in KiB per image: less than half of what the smallest image takes, and more
/// than the fluctuation of the system, which is up to 9 while other programs use all cores.
const MAX_GROWTH_KIB: f64 = 16.0;

/// The memory of the process over many images.
#[derive(Debug)]
pub struct SoakResult {
    images: usize,
    seconds: f64,
    /// The minimum of resident memory in each cycle after the warm-up, in bytes.
    cycle_minima: Vec<f64>,
}

impl SoakResult {
    /// Returns the growth in KiB per image: the median of the slopes between any two cycles (Theil-Sen estimator),
    /// which outliers hardly affect.
    fn growth_kib(&self) -> f64 {
        let minima = &self.cycle_minima;
        let pairs = (0..minima.len()).flat_map(|i| (0..i).map(move |j| (j, i)));
        let slope = |(j, i): (usize, usize)| (minima[i] - minima[j]) / ((i - j) * SOAK_CYCLE) as f64;
        median(pairs.map(slope).collect()) / 1024.0
    }
}

impl fmt::Display for SoakResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SoakResult { images, seconds, cycle_minima } = self;
        let mib = |bytes: Option<&f64>| bytes.copied().unwrap_or_default() / MIB;
        write!(
            f,
            "{images} images in {seconds:.0} s: {:.1} MiB resident after the warm-up, {:.1} MiB at the end, {:+.2} KiB per \
             image",
            mib(cycle_minima.first()),
            mib(cycle_minima.last()),
            self.growth_kib()
        )
    }
}

/// Processes `images` small images with `engine`, one of each [`SOAK_CYCLE`] with `network`. The first quarter is the
/// warm-up; after it, memory must not grow.
///
/// # Errors
/// [`BenchError::MemoryGrows`], [`BenchError::MemoryUnknown`] or [`BenchError::Pipeline`].
pub fn soak(engine: &EngineHandle, network: Network, images: usize) -> Result<SoakResult, BenchError> {
    let photos = SIZES.iter().map(|&[width, height]| photo(width, height)).collect::<Result<Vec<_>, _>>()?;
    let start = Instant::now();
    let mut cycle_minima = vec![f64::INFINITY; images / SOAK_CYCLE];
    for minimum in &mut cycle_minima {
        for i in 0..SOAK_CYCLE {
            run(engine, &recipe(network, i), &photos[i % SIZES.len()], no_observer())?;
            *minimum = minimum.min(resident().ok_or(BenchError::MemoryUnknown)? as f64);
        }
    }
    let cycle_minima = cycle_minima.split_off(cycle_minima.len() / 4);
    let result = SoakResult { images, seconds: start.elapsed().as_secs_f64(), cycle_minima };
    match result.growth_kib() <= MAX_GROWTH_KIB {
        true => Ok(result),
        false => Err(BenchError::MemoryGrows { limit_kib: MAX_GROWTH_KIB, summary: result.to_string() }),
    }
}

/// Returns the recipe of the `i`-th image of a cycle.
fn recipe(network: Network, i: usize) -> Recipe {
    let cutout = CutoutOptions { model: network, ..Default::default() };
    let operation = if i == 0 { Operation::Cutout } else { Operation::Enhance };
    Recipe { cutout, level: Level::ALL[i % Level::ALL.len()], ..Recipe::new(operation) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the growth that is found in memory which grows by `kib` per image and is freed late by up to 30 MiB.
    fn found_growth(kib: f64) -> f64 {
        let late = |i: usize| (i * 7919 % 13) as f64 / 13.0 * if i.is_multiple_of(5) { 30.0 * MIB } else { 0.1 * MIB };
        let cycle_minima = (0..75).map(|i| 3e8 + late(i) + (i * SOAK_CYCLE) as f64 * kib * 1024.0).collect();
        SoakResult { images: 2000, seconds: 1.0, cycle_minima }.growth_kib()
    }

    #[test]
    fn growth_is_found_in_memory_that_fluctuates() {
        assert!(found_growth(0.0).abs() < 0.5, "{}", found_growth(0.0));
        assert!((found_growth(10.0) - 10.0).abs() < 0.5, "{}", found_growth(10.0));
    }

    #[test]
    fn a_cycle_cuts_out_once_and_has_every_level() {
        let recipes: Vec<Recipe> = (0..SOAK_CYCLE).map(|i| recipe(Network::U2NetP, i)).collect();
        assert_eq!(recipes.iter().filter(|recipe| recipe.operation == Operation::Cutout).count(), 1);
        assert!(Level::ALL.iter().all(|&level| recipes.iter().any(|recipe| recipe.level == level)));
        assert_eq!(SOAK_CYCLE % SIZES.len(), 0, "every cycle must be like the last");
    }
}
