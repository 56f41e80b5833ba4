//! The engine: loads the networks and runs the stages.

use std::path::Path;

use cameo_core::codec::Image;
use cameo_core::pipeline::{
    COARSE_NETWORK, CutoutOptions, Engine, EngineError, EngineOutput, Enhancement, PictureRecycler,
};
use cameo_core::tuning::{COARSE_SIDE, Roi};
use cameo_core::view::{self, Rotation, View};
use cameo_device::{Adapter, SharedDevice};
use cameo_matting::{ModelLibrary, NetworkOutput, PersonSegmentation};
use cameo_models::Network;

use crate::context::GpuContext;
use crate::decontaminate::decontaminate;
use crate::edge::edge;
use crate::enhance::enhance;
use crate::error::device_error;
use crate::frame::{GpuFrame, GpuInput, GpuMatte, GpuPicture, GpuRepairedMatte, InputFormat};
use crate::kernels::WinogradKernels;
use crate::locate::{GpuPrior, locate, upload_roi};
use crate::network::{self, GpuFeatureMap, WeightCache};
use crate::prepare::prepare;
use crate::readback::readback;
use crate::refine::refine;
use crate::repair::repair;
use crate::rotate::rotate;
use crate::row_bands::RowBands;

type Segmentation = PersonSegmentation<GpuFeatureMap>;

/// An engine that runs on a GPU.
#[derive(Debug)]
pub struct GpuEngine {
    pub context: GpuContext,
    pub library: ModelLibrary,
    weights: WeightCache,
    f16_kernels: Option<WinogradKernels>,
    recycler: PictureRecycler,
}

impl GpuEngine {
    /// Opens `adapter` for the networks in the folder `models`. They are loaded when they are first needed.
    ///
    /// # Errors
    /// If the driver refuses the device.
    pub fn new(adapter: &Adapter, models: &Path) -> Result<Self, EngineError> {
        let SharedDevice { device, queue, burn } = SharedDevice::open(adapter).map_err(device_error)?;
        let context = GpuContext::new(device, queue);
        let library = ModelLibrary::new(models, burn);
        let mut engine = Self {
            context,
            library,
            weights: WeightCache::default(),
            f16_kernels: None,
            recycler: PictureRecycler::default(),
        };
        // Software adapters offer f16 too, but are slower with it.
        engine.set_f16_storage(!adapter.is_software());
        Ok(engine)
    }

    /// Stores the transformed tiles and weights of IS-Net as f16 if `enabled`, else as f32. Returns whether the device
    /// can do so: without f16 support it keeps to f32.
    pub fn set_f16_storage(&mut self, enabled: bool) -> bool {
        self.f16_kernels = enabled.then(|| WinogradKernels::with_f16_storage(&self.context.device)).flatten();
        self.weights = WeightCache::default();
        self.f16_kernels.is_some() == enabled
    }

    /// Returns the kernels with f16 storage if `network` runs with them. The matte of U2-Net-p would change by more than
    /// the tests allow.
    pub(crate) fn f16_kernels(&self, network: Network) -> Option<&WinogradKernels> {
        self.f16_kernels.as_ref().filter(|_| network == Network::IsNet)
    }

    /// Runs a matting network on `input`, `[3, side, side]`, and returns its output `[1, side, side]` in 0..1, not yet
    /// stretched.
    ///
    /// # Errors
    /// If the network cannot be loaded, or the device was lost or is out of memory.
    pub fn run_matting(
        &mut self,
        network: Network,
        output: NetworkOutput,
        input: GpuFeatureMap,
    ) -> Result<GpuFeatureMap, EngineError> {
        let side = input.side();
        self.run_matting_as(network, output, input, side)
    }

    /// Runs a matting network as [`run_matting`](Self::run_matting) does, with the kernels that an input of `native_side`
    /// would get.
    pub(crate) fn run_matting_as(
        &mut self,
        network: Network,
        output: NetworkOutput,
        input: GpuFeatureMap,
        native_side: u32,
    ) -> Result<GpuFeatureMap, EngineError> {
        let matting = self.library.matting(network)?;
        let winograd = self.context.kernels.winograd(self.f16_kernels(network));
        network::record(&self.context, winograd, &self.weights, |layers| {
            matting.forward(&layers.scaled(input.side(), native_side), input, output)
        })
    }

    /// Runs a matting network as [`run_matting`](Self::run_matting) does, on `input` after `rotation`, and rotates its
    /// output back.
    fn run_rotated(
        &mut self,
        network: Network,
        output: NetworkOutput,
        input: &GpuFeatureMap,
        rotation: Rotation,
    ) -> Result<GpuFeatureMap, EngineError> {
        let rotated = rotate(&self.context, input, rotation);
        let map = self.run_matting(network, output, rotated)?;
        Ok(rotate(&self.context, &map, rotation.inverse()))
    }

    /// Segments people in each of `inputs`, `[3, 256, 256]`. Returns each segmentation and, as the host's copy, the
    /// probability that there is a person.
    ///
    /// # Errors
    /// As [`run_matting`](Self::run_matting).
    pub fn segment_people(&mut self, inputs: Vec<GpuFeatureMap>) -> Result<Vec<(Segmentation, f32)>, EngineError> {
        let segmenter = self.library.selfie()?;
        let winograd = self.context.kernels.winograd(None);
        let segment =
            |input| network::record(&self.context, winograd, &self.weights, |layers| segmenter.forward(layers, input));
        let people = inputs.into_iter().map(segment).collect::<Result<Vec<_>, _>>()?;
        let buffers: Vec<_> = people.iter().map(|person| person.probability.buffer()).collect();
        let probabilities: Vec<f32> = self.context.read(&buffers, bytemuck::pod_collect_to_vec)?;
        Ok(people.into_iter().zip(probabilities).collect())
    }

    /// Returns `output`, which the commands of a stage compute.
    fn stage<T>(&self, output: T) -> Result<T, EngineError> {
        if self.context.synchronous {
            self.context.wait()?;
        }
        Ok(output)
    }

    /// Returns how `network` takes its input, at the size that it was trained on.
    pub(crate) fn input_format(&mut self, network: Network) -> Result<InputFormat, EngineError> {
        let entry = self.library.entry(network)?;
        Ok(InputFormat { size: entry.size as u32, mean: entry.mean, std: entry.std, mirrored: false })
    }

    /// Looks for people in `scene`. Returns the rotation after which they are upright, the segmentation as the photo
    /// lies, and the probability that there is a person.
    fn look_for_person(&mut self, frame: &GpuFrame, scene: Roi) -> Result<(View, Segmentation, f32), EngineError> {
        let format = self.input_format(Network::Selfie)?;
        let input = prepare(&self.context, &frame.photo, &upload_roi(&self.context, scene), format);
        let mut look = |rotations: &[Rotation]| {
            let rotated = rotations.iter().map(|&rotation| rotate(&self.context, &input.map, rotation)).collect();
            let people = self.segment_people(rotated)?;
            let rated = people.into_iter().map(|(person, probability)| ((person, probability), probability));
            Ok::<Vec<_>, EngineError>(rated.collect())
        };
        let upright = look(&[Rotation::None])?.pop().ok_or_else(|| device_error("nothing was segmented"))?;
        let (rotation, (person, probability)) = view::find_upright(upright, |rotations| look(&rotations))?;
        let confidence = rotate(&self.context, &person.confidence, rotation.inverse());
        Ok((View { scene, rotation }, PersonSegmentation { confidence, ..person }, probability))
    }

    /// Runs the coarse network on the mirrored scene of `view`.
    fn coarse_matte(&mut self, frame: &GpuFrame, View { scene, rotation }: View) -> Result<GpuFeatureMap, EngineError> {
        let format = InputFormat { size: COARSE_SIDE as u32, mirrored: true, ..self.input_format(COARSE_NETWORK)? };
        let input = prepare(&self.context, &frame.photo, &upload_roi(&self.context, scene), format);
        // A mirror image turns the other way.
        self.run_rotated(COARSE_NETWORK, NetworkOutput::CoarseMatte, &input.map, rotation.inverse())
    }
}

impl Engine for GpuEngine {
    type Frame = GpuFrame;
    type Prior = GpuPrior;
    type Input = GpuInput;
    type Matte = GpuMatte;
    type RepairedMatte = GpuRepairedMatte;
    type Enhanced = GpuPicture;

    fn name(&self) -> &'static str {
        "gpu"
    }

    fn load(&mut self, network: Network) -> Result<(), EngineError> {
        Ok(self.library.load(network)?)
    }

    fn upload(&mut self, image: Image) -> Result<GpuFrame, EngineError> {
        let Image { width, height, pixels } = image;
        self.context.pool.begin_photo();
        let max_bytes = self.context.limits.binding_bytes;
        let photo = RowBands::upload(&self.context, "photo", width, height, &pixels, max_bytes);
        self.stage(GpuFrame { photo, matte: None, stats: None })
    }

    fn locate(&mut self, frame: &GpuFrame, scene: Roi, options: &CutoutOptions) -> Result<GpuPrior, EngineError> {
        let whole = Roi::whole(frame.photo.width, frame.photo.height);
        let (view, person) = match options.guided() {
            true => view::find_scene(scene, whole, |part| {
                let (view, person, probability) = self.look_for_person(frame, part)?;
                Ok::<_, EngineError>(((view, Some(person)), probability))
            })?,
            false => (View::upright(whole), None),
        };
        let coarse_matte = self.coarse_matte(frame, view)?;
        let network_side = self.input_format(options.model)?.size;
        self.stage(locate(&self.context, view, network_side, &coarse_matte, person.as_ref()))
    }

    fn prepare(&mut self, frame: &GpuFrame, prior: &GpuPrior, network: Network) -> Result<GpuInput, EngineError> {
        let format = self.input_format(network)?;
        let input = prepare(&self.context, &frame.photo, &prior.roi, format);
        self.stage(GpuInput { rotation: prior.view.rotation, ..input })
    }

    fn matte(&mut self, input: GpuInput, network: Network) -> Result<GpuMatte, EngineError> {
        let map = self.run_rotated(network, NetworkOutput::Matte, &input.map, input.rotation)?;
        self.stage(GpuMatte { map, input })
    }

    fn repair(
        &mut self,
        matte: GpuMatte,
        prior: &GpuPrior,
        options: &CutoutOptions,
    ) -> Result<GpuRepairedMatte, EngineError> {
        self.stage(repair(&self.context, matte, prior, options))
    }

    fn refine(
        &mut self,
        frame: GpuFrame,
        matte: GpuRepairedMatte,
        prior: GpuPrior,
        options: &CutoutOptions,
    ) -> Result<GpuFrame, EngineError> {
        let refined = refine(&self.context, &frame.photo, &matte, &prior, options.plain_matte);
        self.stage(GpuFrame { matte: Some(refined), stats: Some(matte.stats), ..frame })
    }

    fn decontaminate(&mut self, frame: GpuFrame, options: &CutoutOptions) -> Result<GpuFrame, EngineError> {
        let spread = options.outward_reach(frame.photo.width, frame.photo.height);
        let photo = decontaminate(&self.context, &frame.photo, frame.matte.as_ref(), spread);
        self.stage(GpuFrame { photo, ..frame })
    }

    fn edge(&mut self, frame: GpuFrame, options: &CutoutOptions) -> Result<GpuFrame, EngineError> {
        let matte = frame.matte.map(|matte| edge(&self.context, matte, options));
        self.stage(GpuFrame { matte, ..frame })
    }

    fn enhance(&mut self, mut frame: GpuFrame, enhancement: &Enhancement) -> Result<GpuPicture, EngineError> {
        let stats = frame.stats.take();
        let bands = enhance(&self.context, frame, enhancement);
        let Enhancement { width, height, depth, .. } = *enhancement;
        self.stage(GpuPicture { width, height, depth, bands, stats })
    }

    fn readback(&mut self, picture: GpuPicture) -> Result<EngineOutput, EngineError> {
        readback(&self.context, &self.recycler, picture)
    }
}
