//! Time and memory of each stage.

use std::sync::{Arc, Mutex, PoisonError};

use cameo_core::pipeline::{EngineHandle, Recipe, no_observer};

use super::error::BenchError;
use super::memory;
use super::report::{PhotoFigures, StageFigures};
use super::run::run;
use super::statistics::{MIB, median};

/// A stage of one run.
struct StageSample {
    stage: &'static str,
    ms: f64,
    /// The most memory of the process while the stage ran, in bytes.
    peak: Option<u64>,
}

/// Measures `recipe` on the photo in `bytes`, whose size is `[width, height]`: runs it `runs` times, after a warm-up.
///
/// # Errors
/// [`BenchError::Pipeline`].
pub fn measure(
    engine: &EngineHandle,
    recipe: &Recipe,
    bytes: &[u8],
    [width, height]: [u32; 2],
    runs: u16,
) -> Result<PhotoFigures, BenchError> {
    run(engine, recipe, bytes, no_observer())?;
    let runs = (0..runs).map(|_| sample(engine, recipe, bytes)).collect::<Result<Vec<_>, _>>()?;
    // The stages follow from the recipe, so all runs have the same ones.
    let stage_count = runs.iter().map(Vec::len).min().unwrap_or_default();
    let mut stages: Vec<StageFigures> = (0..stage_count).map(|i| figures(runs.iter().map(|run| &run[i]))).collect();
    let total_ms = rounded(stages.iter().map(|stage| stage.ms).sum());
    stages.iter_mut().for_each(|stage| stage.share = rounded(stage.ms / total_ms));
    let peak_mib = stages.iter().filter_map(|stage| stage.peak_mib).reduce(f64::max);
    Ok(PhotoFigures { width, height, stages, total_ms, peak_mib })
}

/// Runs the pipeline once.
fn sample(engine: &EngineHandle, recipe: &Recipe, bytes: &[u8]) -> Result<Vec<StageSample>, BenchError> {
    let peaks = Arc::new(Mutex::new(Vec::new()));
    // The peak of a stage is read when the next stage starts, which is not part of any stage's time.
    let read_peak = {
        let peaks = peaks.clone();
        move || peaks.lock().unwrap_or_else(PoisonError::into_inner).push(memory::take_peak())
    };
    let observer = {
        let read_peak = read_peak.clone();
        Arc::new(move |_| {
            read_peak();
            Ok(())
        })
    };
    let result = run(engine, recipe, bytes, observer)?;
    read_peak();
    let peaks = std::mem::take(&mut *peaks.lock().unwrap_or_else(PoisonError::into_inner));
    // The first peak is from before the pipeline.
    let stages = result.times.stages().zip(peaks.into_iter().skip(1));
    Ok(stages.map(|((stage, ms), peak)| StageSample { stage, ms, peak }).collect())
}

/// Summarises the samples of a stage. Its share of the total is not known yet.
fn figures<'a>(samples: impl Iterator<Item = &'a StageSample> + Clone) -> StageFigures {
    let peak = samples.clone().filter_map(|sample| sample.peak).max();
    StageFigures {
        stage: samples.clone().next().map_or("", |sample| sample.stage),
        ms: rounded(median(samples.map(|sample| sample.ms).collect())),
        share: 0.0,
        peak_mib: peak.map(|bytes| rounded(bytes as f64 / MIB)),
    }
}

/// Rounds to thousandths; the measurement is not more precise.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_has_the_median_of_its_times_and_the_maximum_of_its_memory() {
        let sample = |ms, mib: u64| StageSample { stage: "matte", ms, peak: Some(mib << 20) };
        let stage = figures([sample(5.0, 7), sample(1.0, 9), sample(2.0, 8)].iter());
        assert_eq!((stage.stage, stage.ms, stage.peak_mib), ("matte", 2.0, Some(9.0)));
    }
}
