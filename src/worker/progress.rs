//! How far a task is.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::pipeline::Times;

/// Where the work is, and whether it should go on.
#[derive(Default)]
pub struct Track {
    stages: Mutex<Vec<&'static str>>,
    stop: AtomicBool,
}

impl Track {
    /// Ends the work before its next stage.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// # Errors
    /// [`Error::Stopped`] if it should.
    pub fn enter(&self, stage: &'static str) -> Result<()> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Error::Stopped);
        }
        self.stages.lock().unwrap_or_else(PoisonError::into_inner).push(stage);
        Ok(())
    }
}

/// What each stage's share of the time was, the last time a task of its kind ran.
#[derive(Default)]
pub struct Shares(Mutex<HashMap<String, Vec<(&'static str, f64)>>>);

/// Before the first run: the network takes nearly all of it.
const FIRST: [(&str, f64); 5] =
    [("decode", 0.02), ("guide", 0.07), ("matte", 0.85), ("refine", 0.01), ("decontaminate", 0.02)];

impl Shares {
    pub fn learn(&self, kind: &str, times: &Times) {
        let total = times.total_ms().max(1e-3);
        let shares = times.stages().map(|(stage, ms)| (stage, ms / total)).collect();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(kind.into(), shares);
    }

    /// The share of the stages that are done, and the stage that runs.
    pub fn progress(&self, kind: &str, track: &Track) -> (f64, &'static str) {
        let entered = track.stages.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((running, done)) = entered.split_last() else { return (0.0, "waiting") };
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shares = known.get(kind).map_or(&FIRST[..], Vec::as_slice);
        let share = |stage: &&str| shares.iter().find(|(found, _)| found == stage).map_or(0.0, |(_, share)| *share);
        (done.iter().map(share).sum::<f64>().clamp(0.0, 0.99), running)
    }
}
