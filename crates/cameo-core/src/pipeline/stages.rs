//! The pipeline itself, one line per stage: decoding on the host, the engine's stages, and encoding on the host.

use super::engine::{Engine, EngineOutput};
use super::error::PipelineError;
use super::finish::finish;
use super::recipe::Recipe;
use super::recycler::PictureRecycler;
use super::report::{CutoutReport, Foreground};
use super::resolve::{ProcessingLimits, ResolvedRecipe};
use super::times::{StageClock, StageObserver, StageTimes, no_observer};
use crate::codec::{self, Image, Picture, Profile, Sample};
use crate::view;

/// A photo on its way through the pipeline: what the next part consumes, the resolved recipe, and the times so far.
pub struct InFlight<T> {
    content: T,
    /// The photo's colour profile, if its colours are kept.
    profile: Option<Profile>,
    resolved: ResolvedRecipe,
    clock: StageClock,
}

/// An encoded result.
#[derive(Debug)]
pub struct EncodedResult {
    pub bytes: Vec<u8>,
    pub width: u32,
    pub height: u32,
    /// `None` if nothing was cut out.
    pub report: Option<CutoutReport>,
    pub times: StageTimes,
}

/// Runs the whole pipeline on `engine`: the bytes of a photo to the bytes of its result.
///
/// # Errors
/// As the three parts that it runs.
pub fn process<E: Engine>(
    engine: &mut E,
    bytes: &[u8],
    recipe: &Recipe,
    limits: &ProcessingLimits,
) -> Result<EncodedResult, PipelineError> {
    let resolved = recipe.resolve(codec::header(bytes, &limits.input)?, limits)?;
    let decoded = decode_input(bytes, resolved, limits, no_observer())?;
    encode_output(run_stages(engine, decoded)?)
}

/// Decodes the photo: the first part of the pipeline, on the host.
///
/// # Errors
/// [`PipelineError::Codec`] if the bytes cannot be decoded.
pub fn decode_input(
    bytes: &[u8],
    resolved: ResolvedRecipe,
    limits: &ProcessingLimits,
    observer: StageObserver,
) -> Result<InFlight<Image>, PipelineError> {
    let mut clock = StageClock::new(observer);
    let (image, profile) = clock.run("decode", || match resolved.recipe.cutout.keep_p3 {
        true => codec::decode_keeping_p3(bytes, &limits.input),
        false => codec::decode(bytes, &limits.input).map(|image| (image, None)),
    })?;
    let resolved = resolved.for_decoded_photo([image.width, image.height])?;
    Ok(InFlight { content: image, profile, resolved, clock })
}

/// Runs the engine's stages: the middle part of the pipeline.
///
/// # Errors
/// [`PipelineError::Engine`] if a stage fails, or [`PipelineError::Cancelled`].
pub fn run_stages<E: Engine>(engine: &mut E, photo: InFlight<Image>) -> Result<InFlight<EngineOutput>, PipelineError> {
    let InFlight { content: image, profile, resolved, mut clock } = photo;
    let recipe = &resolved.recipe;
    let options = &recipe.cutout;
    let scene = view::scene(&image);
    let mut frame = clock.run("upload", || engine.upload(image))?;
    if let Some(network) = recipe.network() {
        // Networks should be loaded before the first photo; then this does nothing.
        recipe.networks().into_iter().try_for_each(|network| engine.load(network))?;
        let prior = clock.run("locate", || engine.locate(&frame, scene, options))?;
        let input = clock.run("prepare", || engine.prepare(&frame, &prior, network))?;
        let matte = clock.run("matte", || engine.matte(input, network))?;
        let matte = clock.run("repair", || engine.repair(matte, &prior, options))?;
        frame = clock.run("refine", || engine.refine(frame, matte, prior, options))?;
    }
    if recipe.decontaminates() {
        frame = clock.run("decontaminate", || engine.decontaminate(frame, options))?;
    }
    if resolved.shapes_edge() {
        frame = clock.run("edge", || engine.edge(frame, options))?;
    }
    let picture = clock.run("enhance", || engine.enhance(frame, &resolved.enhancement))?;
    let output = clock.run("readback", || engine.readback(picture))?;
    Ok(InFlight { content: output, profile, resolved, clock })
}

/// Crops, composites and encodes the result: the last part of the pipeline, on the host.
///
/// # Errors
/// [`PipelineError::Codec`] if the result cannot be encoded.
pub fn encode_output(output: InFlight<EngineOutput>) -> Result<EncodedResult, PipelineError> {
    let InFlight { content: EngineOutput { picture, stats, recycler }, profile, resolved, clock } = output;
    let (mut encoded, foreground) = match picture {
        Picture::Eight(image) => encode(image, profile.as_ref(), &resolved.recipe, clock, &recycler)?,
        Picture::Sixteen(image) => encode(image, profile.as_ref(), &resolved.recipe, clock, &recycler)?,
    };
    encoded.report = stats.map(|stats| CutoutReport::new(&stats, foreground));
    Ok(encoded)
}

fn encode<T: Sample>(
    image: Image<T>,
    profile: Option<&Profile>,
    recipe: &Recipe,
    mut clock: StageClock,
    recycler: &PictureRecycler,
) -> Result<(EncodedResult, Option<Foreground>), PipelineError>
where
    Picture: From<Image<T>>,
{
    let (image, foreground) = match recipe.operation.cuts_out() {
        true => clock.run("finish", || Ok::<_, PipelineError>(finish(image, &recipe.cutout, profile)))?,
        false => (image, None),
    };
    let bytes = clock.run("encode", || match recipe.matte_only() {
        true => codec::encode_matte(&image, recipe.encoding()),
        false => codec::encode(&image, recipe.encoding(), profile),
    })?;
    let (width, height) = (image.width, image.height);
    recycler.recycle(image.into());
    Ok((EncodedResult { bytes, width, height, report: None, times: clock.into_times() }, foreground))
}
