//! How far a task is.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use cameo_core::pipeline::{PipelineError, StageTimes};

/// The stages that a run has begun, and whether it should go on.
#[derive(Default)]
pub struct RunProgress {
    stages: Mutex<Vec<&'static str>>,
    cancelled: AtomicBool,
}

impl RunProgress {
    /// Ends the run before its next stage.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Records that a stage begins.
    ///
    /// # Errors
    /// [`PipelineError::Cancelled`] if the run was cancelled.
    pub fn begin_stage(&self, stage: &'static str) -> Result<(), PipelineError> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(PipelineError::Cancelled);
        }
        self.stages.lock().unwrap_or_else(PoisonError::into_inner).push(stage);
        Ok(())
    }
}

/// The fraction of a run's time that each stage took in the last run of the same operation.
#[derive(Default)]
pub struct StageWeights(Mutex<HashMap<String, Vec<(&'static str, f64)>>>);

/// The weights before the first run: the matting network takes most of the time.
const INITIAL: [(&str, f64); 5] =
    [("decode", 0.02), ("locate", 0.07), ("matte", 0.85), ("refine", 0.01), ("decontaminate", 0.02)];

impl StageWeights {
    /// Takes the weights of a finished run.
    pub fn learn(&self, operation: &str, times: &StageTimes) {
        let total = times.total_ms().max(1e-3);
        let weights = times.stages().map(|(stage, ms)| (stage, ms / total)).collect();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(operation.into(), weights);
    }

    /// Returns the completed fraction of a run, and the stage that is running.
    pub fn progress(&self, operation: &str, run: &RunProgress) -> (f64, &'static str) {
        let begun = run.stages.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((running, completed)) = begun.split_last() else { return (0.0, "waiting") };
        let learned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let weights = learned.get(operation).map_or(&INITIAL[..], Vec::as_slice);
        let weight = |stage: &&str| weights.iter().find(|(named, _)| named == stage).map_or(0.0, |(_, weight)| *weight);
        (completed.iter().map(weight).sum::<f64>().clamp(0.0, 0.99), running)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_the_weight_of_the_completed_stages() {
        let (weights, run) = (StageWeights::default(), RunProgress::default());
        assert_eq!(weights.progress("combo", &run), (0.0, "waiting"));
        for stage in ["decode", "locate", "matte"] {
            run.begin_stage(stage).unwrap();
        }
        let (fraction, stage) = weights.progress("combo", &run);
        assert!((fraction - 0.09).abs() < 1e-9 && stage == "matte", "{fraction} {stage}");
    }

    #[test]
    fn a_cancelled_run_begins_no_further_stage() {
        let run = RunProgress::default();
        run.begin_stage("decode").unwrap();
        run.cancel();
        assert!(matches!(run.begin_stage("upload"), Err(PipelineError::Cancelled)));
    }
}
