//! Measures Cameo on this machine: time and memory per stage for photos of several sizes, memory growth over many
//! images, and the load that each stage puts on a GPU.
//!
//! [`measure`], [`soak`] and [`roofline`] run the same pipeline as the other commands, from encoded bytes to encoded
//! bytes. They get their engine from the caller.

mod error;
mod machine;
mod measure;
mod memory;
mod photo;
mod report;
mod roofline;
mod soak;

use cameo_core::codec::{self, Image};
use cameo_core::pipeline::{
    self, EncodedResult, EngineHandle, InFlight, PipelineError, ProcessingLimits, Recipe, StageObserver,
};

pub use error::BenchError;
pub use machine::Machine;
pub use measure::measure;
pub use photo::photo;
pub use report::{BenchReport, EngineFigures, PhotoFigures, StageFigures};
pub use roofline::{GpuSpec, Roofline, StageLoad, roofline};
pub use soak::{SOAK_CYCLE, SoakResult, soak};

/// Bytes in a MiB.
const MIB: f64 = (1 << 20) as f64;

/// Runs the whole pipeline on the photo in `bytes`.
fn run(
    engine: &EngineHandle,
    recipe: &Recipe,
    bytes: &[u8],
    observer: StageObserver,
) -> Result<EncodedResult, PipelineError> {
    pipeline::encode_output(engine.run_stages(decode(recipe, bytes, observer)?)?)
}

/// Decodes the photo in `bytes` for `recipe`, within the default limits.
fn decode(recipe: &Recipe, bytes: &[u8], observer: StageObserver) -> Result<InFlight<Image>, PipelineError> {
    let limits = ProcessingLimits::default();
    let resolved = recipe.resolve(codec::header(bytes, &limits.input)?, &limits)?;
    pipeline::decode_input(bytes, resolved, &limits, observer)
}

/// Returns the middle value, the mean of the two middle values of an even count, or 0 of none.
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
}
