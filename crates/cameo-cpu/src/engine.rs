//! The engine: loads the networks and runs the stages.

use std::path::Path;

use burn::tensor::Device;
use cameo_core::codec::Image;
use cameo_core::pipeline::{
    COARSE_NETWORK, CutoutOptions, Engine, EngineError, EngineOutput, Enhancement, NetworkRunner, PictureRecycler,
};
use cameo_core::tuning::{COARSE_SIDE, LOW_RES_SIDE, Roi};
use cameo_core::view::{self, Rotation, View};
use cameo_matting::{CpuLayers, ModelLibrary, NetworkOutput};
use cameo_models::Network;
use rayon::prelude::*;

use crate::decontaminate::decontaminate;
use crate::edge::edge;
use crate::enhance::enhance;
use crate::error::device_error;
use crate::frame::CpuFrame;
use crate::locate::{CpuPrior, PersonCandidate, locate};
use crate::matte::{CpuMatte, matte};
use crate::network::{coarse_matte, run_matting, segment_person};
use crate::plane::Plane;
use crate::prepare::{CpuInput, prepare};
use crate::refine::refine;
use crate::repair::{CpuRepairedMatte, matte_stats, repair};
use crate::stretch::stretch;

/// An engine that runs on any machine.
#[derive(Debug)]
pub struct CpuEngine {
    library: ModelLibrary,
    layers: CpuLayers,
    /// Whether weights are transformed once, when a network is loaded, instead of for each photo.
    pretransforms_weights: bool,
}

/// What the small networks see.
struct Sighting {
    view: View,
    coarse_matte: Plane,
    /// `None` without guidance.
    candidate: Option<PersonCandidate>,
}

/// The number of photos from which it pays to transform weights once. For IS-Net that takes 420 ms, most of them to
/// touch 700 MB for the first time, and saves 60 to 200 ms per photo.
const MIN_PHOTOS_TO_PRETRANSFORM: usize = 8;

impl CpuEngine {
    /// Returns an engine that takes its networks from the folder `models`. They are loaded when they are first needed.
    pub fn new(models: &Path) -> Self {
        let library = ModelLibrary::new(models, Device::flex());
        Self { library, layers: CpuLayers::default(), pretransforms_weights: false }
    }

    /// Tunes the engine for `count` photos. For many photos it keeps the transformed weights of its networks: that
    /// takes 700 MB for IS-Net and 18 MB for U2-Net-p, and saves a tenth of IS-Net's time.
    pub fn with_expected_photos(self, count: usize) -> Self {
        Self { pretransforms_weights: count >= MIN_PHOTOS_TO_PRETRANSFORM, ..self }
    }

    /// Runs the coarse network on the mirrored `scene` and the person segmentation: side by side, as neither keeps all
    /// cores busy.
    fn look_for_person(&mut self, photo: &Image, scene: Roi) -> Result<Sighting, EngineError> {
        let coarse_planes = self.prepare_part(photo, scene, COARSE_NETWORK, COARSE_SIDE, true)?.planes;
        let person_planes = self.prepare_part(photo, scene, Network::Selfie, LOW_RES_SIDE, false)?.planes;
        let (network, segmenter) = (self.library.matting(COARSE_NETWORK)?, self.library.selfie()?);
        let layers = &self.layers;
        let run_coarse = |rotation| coarse_matte(&network, layers, coarse_planes.clone(), rotation);
        let segment = |rotation| segment_person(&segmenter, layers, person_planes.clone(), rotation);
        let (upright_matte, upright) = rayon::join(|| run_coarse(Rotation::None), || segment(Rotation::None));
        let rated = |candidate: PersonCandidate| {
            let probability = candidate.probability;
            (candidate, probability)
        };
        let (rotation, candidate) = view::find_upright(rated(upright?), |rotations| {
            rotations
                .into_par_iter()
                .map(|rotation| segment(rotation).map(rated))
                .collect::<Result<Vec<_>, EngineError>>()
        })?;
        let coarse_matte = if rotation == Rotation::None { upright_matte } else { run_coarse(rotation) };
        Ok(Sighting { view: View { scene, rotation }, coarse_matte: coarse_matte?, candidate: Some(candidate) })
    }

    /// Runs the coarse network alone.
    fn look_without_guidance(&mut self, photo: &Image) -> Result<Sighting, EngineError> {
        let scene = Roi::whole(photo.width, photo.height);
        let planes = self.prepare_part(photo, scene, COARSE_NETWORK, COARSE_SIDE, true)?.planes;
        let network = self.library.matting(COARSE_NETWORK)?;
        let coarse_matte = coarse_matte(&network, &self.layers, planes, Rotation::None)?;
        Ok(Sighting { view: View::upright(scene), coarse_matte, candidate: None })
    }

    /// Prepares `part` of the photo for `network` at `size` by `size`.
    fn prepare_part(
        &mut self,
        photo: &Image,
        part: Roi,
        network: Network,
        size: usize,
        mirrored: bool,
    ) -> Result<CpuInput, EngineError> {
        let entry = self.library.entry(network)?;
        prepare(photo, &part, size, entry.mean, entry.std, mirrored)
    }
}

impl NetworkRunner for CpuEngine {
    fn run_network(&mut self, network: Network, picture: Image) -> Result<Vec<f32>, EngineError> {
        self.load(network)?;
        let side = picture.width as usize;
        let whole = Roi::whole(picture.width, picture.height);
        let planes = self.prepare_part(&picture, whole, network, side, false)?.planes;
        match network {
            Network::Selfie => {
                let segmenter = self.library.selfie()?;
                Ok(segment_person(&segmenter, &self.layers, planes, Rotation::None)?.confidence.values)
            }
            Network::IsNet | Network::U2NetP => {
                let network = self.library.matting(network)?;
                run_matting(&network, NetworkOutput::Matte, &self.layers, planes, side, Rotation::None)
            }
        }
    }
}

impl Engine for CpuEngine {
    type Frame = CpuFrame;
    type Prior = CpuPrior;
    type Input = CpuInput;
    type Matte = CpuMatte;
    type RepairedMatte = CpuRepairedMatte;
    type Enhanced = EngineOutput;

    fn name(&self) -> &'static str {
        "cpu"
    }

    fn load(&mut self, network: Network) -> Result<(), EngineError> {
        self.library.load(network)?;
        if self.pretransforms_weights && network != Network::Selfie {
            let network = self.library.matting(network)?;
            self.layers.pretransform_weights(&network).map_err(device_error)?;
        }
        Ok(())
    }

    fn upload(&mut self, image: Image) -> Result<CpuFrame, EngineError> {
        Ok(CpuFrame::new(image))
    }

    fn locate(&mut self, frame: &CpuFrame, scene: Roi, options: &CutoutOptions) -> Result<CpuPrior, EngineError> {
        let CpuFrame { photo, .. } = frame;
        let whole = Roi::whole(photo.width, photo.height);
        let Sighting { view, coarse_matte, candidate } = match options.guided() {
            true => view::find_scene(scene, whole, |part| {
                let sighting = self.look_for_person(photo, part)?;
                let probability = sighting.candidate.as_ref().map_or(0.0, |candidate| candidate.probability);
                Ok::<_, EngineError>((sighting, probability))
            })?,
            false => self.look_without_guidance(photo)?,
        };
        let network_side = self.library.entry(options.model)?.size as u32;
        Ok(locate(view, network_side, &coarse_matte, candidate))
    }

    fn prepare(&mut self, frame: &CpuFrame, prior: &CpuPrior, network: Network) -> Result<CpuInput, EngineError> {
        let entry = self.library.entry(network)?;
        let input = prepare(&frame.photo, &prior.roi, entry.size, entry.mean, entry.std, false)?;
        Ok(CpuInput { rotation: prior.view.rotation, ..input })
    }

    fn matte(&mut self, input: CpuInput, network: Network) -> Result<CpuMatte, EngineError> {
        let network = self.library.matting(network)?;
        matte(&network, &self.layers, input)
    }

    fn repair(
        &mut self,
        mut matte: CpuMatte,
        prior: &CpuPrior,
        options: &CutoutOptions,
    ) -> Result<CpuRepairedMatte, EngineError> {
        stretch(&mut matte.alpha.values);
        let alpha = repair(matte.alpha, prior, options);
        let stats = matte_stats(&alpha, prior);
        Ok(CpuRepairedMatte { matte: CpuMatte { alpha, ..matte }, stats })
    }

    fn refine(
        &mut self,
        frame: CpuFrame,
        repaired: CpuRepairedMatte,
        prior: CpuPrior,
        options: &CutoutOptions,
    ) -> Result<CpuFrame, EngineError> {
        let CpuRepairedMatte { matte, stats } = repaired;
        let refined = refine(&matte, &frame.photo, &prior.roi, options.plain_matte);
        Ok(CpuFrame { matte: Some(refined), stats: Some(stats), ..frame })
    }

    fn decontaminate(&mut self, frame: CpuFrame, options: &CutoutOptions) -> Result<CpuFrame, EngineError> {
        Ok(decontaminate(frame, options))
    }

    fn edge(&mut self, frame: CpuFrame, options: &CutoutOptions) -> Result<CpuFrame, EngineError> {
        Ok(CpuFrame { matte: frame.matte.map(|matte| edge(matte, options)), ..frame })
    }

    fn enhance(&mut self, frame: CpuFrame, enhancement: &Enhancement) -> Result<EngineOutput, EngineError> {
        let stats = frame.stats;
        Ok(EngineOutput { picture: enhance(frame, enhancement), stats, recycler: PictureRecycler::default() })
    }

    fn readback(&mut self, picture: EngineOutput) -> Result<EngineOutput, EngineError> {
        Ok(picture)
    }
}
