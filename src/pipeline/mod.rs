//! The road from bytes to bytes, one line a stage, and the trait both engines implement.
//!
//! ```text
//! bytes -decode-> Image -upload-> Frame -guide-> Guide -prepare-> Input -matte-> Matte -lift-> Lifted -refine-> Frame
//!     -decontaminate-> Frame -edge-> Frame -enhance-> Picture -readback-> Image -encode-> bytes
//! ```

mod finish;
mod handle;
mod names;
mod options;
mod recipe;
mod selftest;

use std::sync::Arc;
use std::time::Instant;

use cameo_models::Network;

use crate::codec::{self, Image, Limits};
use crate::error::Result;

pub use handle::Handle;
pub use options::{Color, CutoutOptions, Depth, Edge, Guide};
pub use recipe::{Enhancement, GLANCE, Job, Level, Recipe, Sharpening};
pub use selftest::{self_test, self_test_networks};

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
    fn readback(&mut self, picture: Self::Picture) -> Result<Image>;
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
pub struct Parcel {
    image: Image,
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
    pub times: Times,
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
pub fn read(bytes: &[u8], recipe: &Recipe, bounds: &Bounds, watch: Watch) -> Result<Parcel> {
    let mut clock = Clock { watch, times: Times::default() };
    let image = clock.time("decode", || codec::decode(bytes, &bounds.input))?;
    let enhancement = recipe.enhancement(image.width, image.height, bounds.output.0)?;
    Ok(Parcel { image, enhancement, clock })
}

/// The road's middle, on the engine.
pub fn road<E: Engine>(engine: &mut E, parcel: Parcel, recipe: &Recipe) -> Result<Parcel> {
    let Parcel { image, enhancement, mut clock } = parcel;
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
    let image = clock.time("readback", || engine.readback(picture))?;
    Ok(Parcel { image, enhancement, clock })
}

/// The road's end, on the host: crop, lay on a background, encode.
pub fn write(parcel: Parcel, recipe: &Recipe) -> Result<Outcome> {
    let Parcel { image, mut clock, .. } = parcel;
    let image = match recipe.job == Job::Enhance || recipe.cutout.finished() {
        true => image,
        false => clock.time("finish", || Ok(finish::finish(image, &recipe.cutout)))?,
    };
    let bytes = clock.time("encode", || match recipe.matte_only() {
        true => codec::encode_matte(&image, recipe.format),
        false => codec::encode(&image, recipe.format),
    })?;
    Ok(Outcome { bytes, width: image.width, height: image.height, times: clock.times })
}
