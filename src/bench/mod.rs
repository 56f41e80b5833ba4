//! What the road costs on this machine: milliseconds and memory a stage, at several sizes; and whether memory grows.
//!
//! Chooses no engine: [`measure`] and [`soak`] are handed one. What is measured is what users run, from bytes to bytes.

mod chart;
mod machine;
mod memory;
mod photo;
mod soak;
mod table;

use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use crate::error::Result;
use crate::pipeline::{self, Bounds, Handle, Outcome, Recipe, Watch};

pub use chart::svg;
pub use machine::Machine;
pub use photo::photo;
pub use soak::{CYCLE, Soak, soak};

/// Bytes in a MiB.
const MIB: f64 = (1 << 20) as f64;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    pub version: &'static str,
    pub machine: Machine,
    pub recipe: Recipe,
    /// Of each size, after one to warm up.
    pub runs: u16,
    pub engines: Vec<Measured>,
}

/// What was measured of an engine.
#[derive(Debug, Serialize)]
pub struct Measured {
    /// "cpu" or "gpu".
    pub engine: &'static str,
    /// The processor's or the adapter's name.
    pub device: String,
    /// Opening it and loading its networks, once.
    pub load_ms: f64,
    pub sizes: Vec<Size>,
}

/// What was measured of a photo.
#[derive(Debug, Serialize)]
pub struct Size {
    pub width: u32,
    pub height: u32,
    /// In the order of the road.
    pub stages: Vec<Stage>,
    /// The sum of the stages.
    pub total_ms: f64,
    /// The most memory the process had in use, in MiB; none where the system does not tell.
    pub peak_mib: Option<f64>,
}

/// What was measured of a stage: the median of its times, and the most memory of any run.
#[derive(Debug, Serialize)]
pub struct Stage {
    pub stage: &'static str,
    pub ms: f64,
    /// Of the total: 0 to 1.
    pub share: f64,
    /// As of [`Size`], while the stage ran.
    pub peak_mib: Option<f64>,
}

/// A stage of one run; memory in bytes.
struct Lap {
    stage: &'static str,
    ms: f64,
    peak: Option<u64>,
}

/// Measures `recipe` on the photo in `bytes`: `runs` times, after once to warm up.
pub fn measure(engine: &Handle, recipe: &Recipe, bytes: &[u8], [width, height]: [u32; 2], runs: u16) -> Result<Size> {
    run(engine, recipe, bytes, pipeline::unwatched())?;
    let runs = (0..runs).map(|_| laps(engine, recipe, bytes)).collect::<Result<Vec<_>>>()?;
    // Every run takes the same stages: they follow from the recipe.
    let count = runs.iter().map(Vec::len).min().unwrap_or_default();
    let mut stages: Vec<Stage> = (0..count).map(|i| stage(runs.iter().map(|laps| &laps[i]))).collect();
    let total_ms = rounded(stages.iter().map(|stage| stage.ms).sum());
    stages.iter_mut().for_each(|stage| stage.share = rounded(stage.ms / total_ms));
    let peak_mib = stages.iter().filter_map(|stage| stage.peak_mib).reduce(f64::max);
    Ok(Size { width, height, stages, total_ms, peak_mib })
}

/// A stage over all runs; its share is not known yet.
fn stage<'a>(laps: impl Iterator<Item = &'a Lap> + Clone) -> Stage {
    let name = laps.clone().next().map_or("", |lap| lap.stage);
    let peak = laps.clone().filter_map(|lap| lap.peak).max();
    Stage {
        stage: name,
        ms: rounded(median(laps.map(|lap| lap.ms).collect())),
        share: 0.0,
        peak_mib: peak.map(|bytes| rounded(bytes as f64 / MIB)),
    }
}

/// The stages of one run. A stage's peak is read when the next one starts, outside of what is timed.
fn laps(engine: &Handle, recipe: &Recipe, bytes: &[u8]) -> Result<Vec<Lap>> {
    let peaks = Arc::new(Mutex::new(Vec::new()));
    let note = {
        let peaks = peaks.clone();
        move || peaks.lock().unwrap_or_else(PoisonError::into_inner).push(memory::take_peak())
    };
    let watch = note.clone();
    let outcome = run(
        engine,
        recipe,
        bytes,
        Arc::new(move |_| {
            watch();
            Ok(())
        }),
    )?;
    note();
    let peaks = std::mem::take(&mut *peaks.lock().unwrap_or_else(PoisonError::into_inner));
    // The first is of what came before the road.
    let stages = outcome.times.stages().zip(peaks.into_iter().skip(1));
    Ok(stages.map(|((stage, ms), peak)| Lap { stage, ms, peak }).collect())
}

/// The whole road.
fn run(engine: &Handle, recipe: &Recipe, bytes: &[u8], watch: Watch) -> Result<Outcome> {
    let parcel = pipeline::read(bytes, recipe, &Bounds::default(), watch)?;
    pipeline::write(engine.road(parcel, recipe)?, recipe)
}

/// To thousandths: finer no figure here is true.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// The middle value; of an even count the mean of the two in the middle; 0 of none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match (values.len() / 2, values.len() % 2) {
        (0, 0) => 0.0,
        (middle, 0) => (values[middle - 1] + values[middle]) / 2.0,
        (middle, _) => values[middle],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_value() {
        assert_eq!(median(vec![]), 0.0);
        assert_eq!(median(vec![3.0, 1.0, 100.0]), 3.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 100.0]), 3.0);
    }

    #[test]
    fn a_stage_is_the_median_of_its_times_and_the_most_of_its_memory() {
        let lap = |ms, mib: u64| Lap { stage: "matte", ms, peak: Some(mib << 20) };
        let stage = stage([lap(5.0, 7), lap(1.0, 9), lap(2.0, 8)].iter());
        assert_eq!((stage.stage, stage.ms, stage.peak_mib), ("matte", 2.0, Some(9.0)));
    }
}
