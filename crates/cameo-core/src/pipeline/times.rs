//! How long each stage took, and who is told before it runs.

use std::sync::Arc;
use std::time::Instant;

use super::error::PipelineError;

/// The duration of each stage, in the order in which they ran.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StageTimes(Vec<(&'static str, f64)>);

impl StageTimes {
    /// Returns `(stage, milliseconds)` pairs.
    pub fn stages(&self) -> impl Iterator<Item = (&'static str, f64)> + '_ {
        self.0.iter().copied()
    }

    pub fn total_ms(&self) -> f64 {
        self.0.iter().map(|(_, ms)| ms).sum()
    }
}

/// Called with the name of each stage before it runs. An error ends the pipeline there, which is how a task is
/// cancelled.
pub type StageObserver = Arc<dyn Fn(&'static str) -> Result<(), PipelineError> + Send + Sync>;

/// Returns an observer that lets every stage run.
pub fn no_observer() -> StageObserver {
    Arc::new(|_| Ok(()))
}

/// Times stages and tells the observer of them.
pub(super) struct StageClock {
    observer: StageObserver,
    times: StageTimes,
}

impl StageClock {
    pub fn new(observer: StageObserver) -> Self {
        Self { observer, times: StageTimes::default() }
    }

    /// Runs one stage.
    ///
    /// # Errors
    /// The stage's error, or the observer's.
    pub fn run<T, E: Into<PipelineError>>(
        &mut self,
        stage: &'static str,
        run: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, PipelineError> {
        (self.observer)(stage)?;
        let start = Instant::now();
        let result = run();
        self.times.0.push((stage, start.elapsed().as_secs_f64() * 1e3));
        result.map_err(Into::into)
    }

    pub fn into_times(self) -> StageTimes {
        self.times
    }
}
