//! Runs the pipeline on one photo.

use cameo_core::codec::{self, Image};
use cameo_core::pipeline::{
    self, EncodedResult, EngineHandle, InFlight, PipelineError, ProcessingLimits, Recipe, StageObserver,
};

/// Runs the whole pipeline on the photo in `bytes`.
pub fn run(
    engine: &EngineHandle,
    recipe: &Recipe,
    bytes: &[u8],
    observer: StageObserver,
) -> Result<EncodedResult, PipelineError> {
    pipeline::encode_output(engine.run_stages(decode(recipe, bytes, observer)?)?)
}

/// Decodes the photo in `bytes` for `recipe`, within the default limits.
pub fn decode(recipe: &Recipe, bytes: &[u8], observer: StageObserver) -> Result<InFlight<Image>, PipelineError> {
    let limits = ProcessingLimits::default();
    let resolved = recipe.resolve(codec::header(bytes, &limits.input)?, &limits)?;
    pipeline::decode_input(bytes, resolved, &limits, observer)
}
