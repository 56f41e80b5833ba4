//! The road from bytes to bytes, one line a stage, and the trait both engines implement.
//!
//! ```text
//! bytes -decode-> Image -upload-> Frame -guide-> Guide -prepare-> Input -matte-> Matte -lift-> Lifted -refine-> Frame
//!     -decontaminate-> Frame -edge-> Frame -enhance-> Picture -readback-> Image -encode-> bytes
//! ```

mod budget;
mod finish;
mod handle;
mod options;
mod recipe;
mod selftest;

use std::sync::Arc;
use std::time::Instant;

use cameo_models::Network;
use serde::Serialize;
use utoipa::ToSchema;

use crate::codec::{self, Image, Limits, Picture, Profile, Sample};
use crate::error::Result;
use crate::rules::Census;

pub use budget::{Budget, Share, pixels};
pub use handle::Handle;
pub use options::{Color, CutoutOptions, Edge, Guide};
pub use recipe::{Enhancement, GLANCE, Job, Level, Recipe, Sharpening};
pub use selftest::{SAMPLE, self_test, self_test_networks, warm_up};

/// Runs the stages between decode and encode. Each stage takes what it consumes by value.
pub trait Engine {
    /// The photo, and its matte once it has one.
    type Frame;
    /// Where the subject is, as far as smaller networks tell.
    type Guide;
    /// What the network sees: `[1, 3, size, size]`, RGB less mean over deviation.
    type Input;
    /// What the network gave: `[1, 1, size, size]` in 0..1, over the part of the photo it saw.
    type Matte;
    /// The same, stretched to 0..1 and lifted.
    type Lifted;
    /// A finished picture.
    type Picture;

    /// "cpu" or "gpu".
    fn name(&self) -> &'static str;

    /// Loads a network unless it is loaded already.
    fn load(&mut self, network: Network) -> Result<()>;

    /// The only stage that takes pixels from the host.
    fn upload(&mut self, image: Image) -> Result<Self::Frame>;

    /// Looks for people, and chooses the part of the photo that the network will see.
    fn guide(&mut self, frame: &Self::Frame, options: &CutoutOptions) -> Result<Self::Guide>;

    /// That part at the network's size, antialiased and normalised.
    fn prepare(&mut self, frame: &Self::Frame, guide: &Self::Guide, network: Network) -> Result<Self::Input>;

    fn matte(&mut self, input: Self::Input, network: Network) -> Result<Self::Matte>;

    /// The matte stretched to 0..1, and what the guide is sure the network left out put back.
    fn lift(&mut self, matte: Self::Matte, guide: &Self::Guide, options: &CutoutOptions) -> Result<Self::Lifted>;

    /// The matte brought to the photo's size along the photo's edges, times the photo's own alpha.
    fn refine(
        &mut self,
        frame: Self::Frame,
        matte: Self::Lifted,
        guide: Self::Guide,
        options: &CutoutOptions,
    ) -> Result<Self::Frame>;

    /// The subject's own colours where the background shines through, and as far outside as `options` move the edge.
    fn decontaminate(&mut self, frame: Self::Frame, options: &CutoutOptions) -> Result<Self::Frame>;

    /// The matte's edge moved, hardened or softened as `options` wish.
    fn edge(&mut self, frame: Self::Frame, options: &CutoutOptions) -> Result<Self::Frame>;

    /// Resamples and sharpens; colours become 0 where alpha is 0.
    fn enhance(&mut self, frame: Self::Frame, enhancement: &Enhancement) -> Result<Self::Picture>;

    /// The only stage that gives pixels to the host.
    fn readback(&mut self, picture: Self::Picture) -> Result<Reading>;
}

/// What comes back from an engine: the picture, and what tells how certain its matte is, if it has one.
#[derive(Debug)]
pub struct Reading {
    pub picture: Picture,
    pub census: Option<Census>,
}

/// How long each stage took, in the order they ran.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Times(Vec<(&'static str, f64)>);

impl Times {
    /// `(stage, milliseconds)`.
    pub fn stages(&self) -> impl Iterator<Item = (&'static str, f64)> + '_ {
        self.0.iter().copied()
    }

    pub fn total_ms(&self) -> f64 {
        self.0.iter().map(|(_, ms)| ms).sum()
    }
}

/// Told the name of each stage before it runs. An error ends the road there: so a task is cancelled.
pub type Watch = Arc<dyn Fn(&'static str) -> Result<()> + Send + Sync>;

/// A watch that lets everything pass.
pub fn unwatched() -> Watch {
    Arc::new(|_| Ok(()))
}

/// Work on its way: what the next part of the road consumes, who watches it, and the times so far.
pub struct Parcel<C> {
    content: C,
    /// Of the photo, if its colours are kept.
    profile: Option<Profile>,
    enhancement: Enhancement,
    clock: Clock,
}

struct Clock {
    watch: Watch,
    times: Times,
}

impl Clock {
    fn time<T>(&mut self, stage: &'static str, run: impl FnOnce() -> Result<T>) -> Result<T> {
        (self.watch)(stage)?;
        let since = Instant::now();
        let done = run();
        self.times.0.push((stage, since.elapsed().as_secs_f64() * 1e3));
        done
    }
}

/// A result, encoded.
#[derive(Debug)]
pub struct Outcome {
    pub bytes: Vec<u8>,
    pub width: u32,
    pub height: u32,
    /// Of a cut-out.
    pub certainty: Option<Certainty>,
    pub times: Times,
}

/// How far a cut-out is to be trusted, and where its subject is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Certainty {
    /// How likely the matte is wrong, 0 to 1, in thousandths: see [`Census::uncertainty`].
    pub matte_uncertainty: f64,
    /// The guide found people, and had a say.
    pub guided: bool,
    /// The subject's box; none if there is no subject.
    pub foreground: Option<Foreground>,
}

/// The subject's box in pixels of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Foreground {
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
}

impl From<Foreground> for [u32; 4] {
    fn from(Foreground { left, top, width, height }: Foreground) -> Self {
        [left, top, width, height]
    }
}

impl From<[u32; 4]> for Foreground {
    fn from([left, top, width, height]: [u32; 4]) -> Self {
        Self { left, top, width, height }
    }
}

/// What a job may cost.
#[derive(Debug, Clone, Default)]
pub struct Bounds {
    pub input: Limits,
    pub output: OutputLimit,
}

/// The pixels of a result.
#[derive(Debug, Clone)]
pub struct OutputLimit(pub u64);

impl Default for OutputLimit {
    fn default() -> Self {
        Self(100_000_000)
    }
}

/// The whole road: `bytes` of an image to the bytes of its result.
pub fn run<E: Engine>(engine: &mut E, bytes: &[u8], recipe: &Recipe, bounds: &Bounds) -> Result<Outcome> {
    let parcel = read(bytes, recipe, bounds, unwatched())?;
    let parcel = road(engine, parcel, recipe)?;
    write(parcel, recipe)
}

/// The road's start, on the host: decode, and check that the recipe fits the image.
pub fn read(bytes: &[u8], recipe: &Recipe, bounds: &Bounds, watch: Watch) -> Result<Parcel<Image>> {
    let mut clock = Clock { watch, times: Times::default() };
    let (image, profile) = clock.time("decode", || match recipe.cutout.keep_p3 {
        true => codec::decode_keeping(bytes, &bounds.input),
        false => Ok((codec::decode(bytes, &bounds.input)?, None)),
    })?;
    let enhancement = recipe.enhancement(image.width, image.height, bounds.output.0)?;
    Ok(Parcel { content: image, profile, enhancement, clock })
}

/// The road's middle, on the engine.
pub fn road<E: Engine>(engine: &mut E, parcel: Parcel<Image>, recipe: &Recipe) -> Result<Parcel<Reading>> {
    let Parcel { content: image, profile, enhancement, mut clock } = parcel;
    let options = &recipe.cutout;
    let mut frame = clock.time("upload", || engine.upload(image))?;
    if let Some(network) = recipe.network() {
        // Nothing to do where the engine's owner loaded them before the first image, as it should.
        recipe.networks().into_iter().try_for_each(|network| engine.load(network))?;
        let guide = clock.time("guide", || engine.guide(&frame, options))?;
        let input = clock.time("prepare", || engine.prepare(&frame, &guide, network))?;
        let matte = clock.time("matte", || engine.matte(input, network))?;
        let matte = clock.time("lift", || engine.lift(matte, &guide, options))?;
        frame = clock.time("refine", || engine.refine(frame, matte, guide, options))?;
    }
    if recipe.decontaminates() {
        frame = clock.time("decontaminate", || engine.decontaminate(frame, options))?;
    }
    if recipe.job != Job::Enhance && options.edged() {
        frame = clock.time("edge", || engine.edge(frame, options))?;
    }
    let picture = clock.time("enhance", || engine.enhance(frame, &enhancement))?;
    let reading = clock.time("readback", || engine.readback(picture))?;
    Ok(Parcel { content: reading, profile, enhancement, clock })
}

/// The road's end, on the host: crop, lay on a background, encode.
pub fn write(parcel: Parcel<Reading>, recipe: &Recipe) -> Result<Outcome> {
    let Parcel { content: Reading { picture, census }, profile, clock, .. } = parcel;
    let (mut outcome, subject) = match picture {
        Picture::Eight(image) => encode(image, profile, recipe, clock)?,
        Picture::Sixteen(image) => encode(image, profile, recipe, clock)?,
    };
    outcome.certainty = census.map(|census| Certainty {
        matte_uncertainty: (census.uncertainty() as f64 * 1e3).round() / 1e3,
        guided: census.people == 1,
        foreground: subject,
    });
    Ok(outcome)
}

fn encode<T: Sample>(
    image: Image<T>,
    profile: Option<Profile>,
    recipe: &Recipe,
    mut clock: Clock,
) -> Result<(Outcome, Option<Foreground>)> {
    let profile = profile.as_ref();
    let (image, subject) = match recipe.job {
        Job::Enhance => (image, None),
        Job::Combo | Job::Cutout => clock.time("finish", || Ok(finish::finish(image, &recipe.cutout, profile)))?,
    };
    let bytes = clock.time("encode", || match recipe.matte_only() {
        true => codec::encode_matte(&image, recipe.encoding()),
        false => codec::encode(&image, recipe.encoding(), profile),
    })?;
    let outcome = Outcome { bytes, width: image.width, height: image.height, certainty: None, times: clock.times };
    Ok((outcome, subject))
}
