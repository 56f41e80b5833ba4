//! The stages between decoding and encoding, as a trait that both engines implement.

use cameo_models::Network;

use super::error::EngineError;
use super::options::CutoutOptions;
use super::recycler::PictureRecycler;
use super::resolve::Enhancement;
use crate::codec::{Image, Picture};
use crate::tuning::{MatteStats, Roi};

/// Runs the stages between decoding and encoding, in the order of its methods.
///
/// Each stage takes what it consumes by value, so that an engine can free or reuse its memory. A method fails with
/// [`EngineError::Device`] if the device was lost or is out of memory.
pub trait Engine {
    /// The photo on the device, and its matte once it has one.
    type Frame;
    /// What smaller networks found of the subject: a coarse matte, the person, and the region of interest.
    type Prior;
    /// The region of interest as the matting network takes it: `[1, 3, size, size]`, normalised sRGB values.
    type Input;
    /// The network's output over the region of interest: `[1, 1, size, size]` in 0..1.
    type Matte;
    /// The matte, stretched to 0..1, with holes and grey interiors repaired.
    type RepairedMatte;
    /// The enhanced picture on the device.
    type Enhanced;

    /// Returns "cpu" or "gpu".
    fn name(&self) -> &'static str;

    /// Loads a network, unless it is loaded already.
    fn load(&mut self, network: Network) -> Result<(), EngineError>;

    /// Copies the photo to the device. No other stage takes pixels from the host.
    fn upload(&mut self, image: Image) -> Result<Self::Frame, EngineError>;

    /// Locates the subject with the small networks, and chooses the region of interest for the matting network.
    ///
    /// `scene` is the part of the photo without bars. If there is a person in it, nothing beyond it is looked at.
    fn locate(&mut self, frame: &Self::Frame, scene: Roi, options: &CutoutOptions) -> Result<Self::Prior, EngineError>;

    /// Resamples the region of interest to the network's size, antialiased, and normalises it.
    fn prepare(
        &mut self,
        frame: &Self::Frame,
        prior: &Self::Prior,
        network: Network,
    ) -> Result<Self::Input, EngineError>;

    /// Runs the matting network.
    fn matte(&mut self, input: Self::Input, network: Network) -> Result<Self::Matte, EngineError>;

    /// Stretches the matte to 0..1, and restores what the prior shows that the network left out: enclosed holes and
    /// grey interiors of a person.
    fn repair(
        &mut self,
        matte: Self::Matte,
        prior: &Self::Prior,
        options: &CutoutOptions,
    ) -> Result<Self::RepairedMatte, EngineError>;

    /// Brings the matte to the photo's size along the photo's own edges, and multiplies it by the photo's alpha.
    fn refine(
        &mut self,
        frame: Self::Frame,
        matte: Self::RepairedMatte,
        prior: Self::Prior,
        options: &CutoutOptions,
    ) -> Result<Self::Frame, EngineError>;

    /// Replaces the colours of soft edges by the subject's own colours, and of as many pixels outside the matte as
    /// `options` move the edge outwards.
    fn decontaminate(&mut self, frame: Self::Frame, options: &CutoutOptions) -> Result<Self::Frame, EngineError>;

    /// Moves, hardens or softens the matte's edge as `options` ask.
    fn edge(&mut self, frame: Self::Frame, options: &CutoutOptions) -> Result<Self::Frame, EngineError>;

    /// Resamples and sharpens the photo under its matte. Colours become 0 where alpha is 0.
    fn enhance(&mut self, frame: Self::Frame, enhancement: &Enhancement) -> Result<Self::Enhanced, EngineError>;

    /// Copies the finished picture to the host. No other stage gives pixels to the host.
    fn readback(&mut self, picture: Self::Enhanced) -> Result<EngineOutput, EngineError>;
}

/// What an engine returns to the host.
#[derive(Debug)]
pub struct EngineOutput {
    pub picture: Picture,
    /// Statistics of the matte; `None` without one.
    pub stats: Option<MatteStats>,
    /// Takes the memory of the picture once it is encoded.
    pub recycler: PictureRecycler,
}
