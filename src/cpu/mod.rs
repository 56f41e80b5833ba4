//! The road on the CPU: the fallback where there is no GPU, and the truth the GPU is compared with.
//!
//! One file a stage, each a plain function from pixels to pixels. Resampling is fast_image_resize's, the network runs
//! on burn's flex device, and rayon spreads the rest over the cores.

pub mod enhance;
pub mod prepare;
pub mod refine;
pub mod sharpen;

use std::path::Path;

use burn::tensor::Device;
use cameo_matting::Library;
use cameo_models::Network;

use crate::codec::Image;
use crate::error::{Error, Result};
use crate::pipeline::{Engine, Enhancement};

pub use enhance::enhance;
pub use prepare::prepare;
pub use refine::refine;

/// A plane of one value a pixel, rows from the top: a matte in 0..1.
#[derive(Debug, Clone, PartialEq)]
pub struct Plane {
    pub width: u32,
    pub height: u32,
    pub values: Vec<f32>,
}

/// The photo, and its matte once it has one.
#[derive(Debug)]
pub struct Frame {
    pub photo: Image,
    pub matte: Option<Plane>,
}

/// The engine that runs on any machine.
#[derive(Debug)]
pub struct CpuEngine {
    library: Library,
}

impl CpuEngine {
    /// An engine that takes its networks from the folder `models`.
    pub fn new(models: &Path) -> Self {
        Self { library: Library::new(models, Device::flex()) }
    }
}

impl Engine for CpuEngine {
    type Frame = Frame;
    /// `[3, size, size]`
    type Input = Vec<f32>;
    type Matte = Plane;
    type Picture = Image;

    fn name(&self) -> &'static str {
        "cpu"
    }

    fn load(&mut self, network: Network) -> Result<()> {
        self.library.get(network)?;
        Ok(())
    }

    fn upload(&mut self, image: Image) -> Result<Frame> {
        Ok(Frame { photo: image, matte: None })
    }

    fn prepare(&mut self, frame: &Frame, network: Network) -> Result<Vec<f32>> {
        let entry = self.library.entry(network)?;
        prepare(&frame.photo, entry.size, entry.mean, entry.std)
    }

    fn matte(&mut self, input: Vec<f32>, network: Network) -> Result<Plane> {
        let side = self.library.entry(network)?.size;
        let device = self.library.device().clone();
        let values = self.library.get(network)?.forward_host(input, side, &device).map_err(failed)?;
        Ok(Plane { width: side as u32, height: side as u32, values })
    }

    fn refine(&mut self, frame: Frame, matte: Plane) -> Result<Frame> {
        let matte = refine(matte, &frame.photo)?;
        Ok(Frame { matte: Some(matte), ..frame })
    }

    fn enhance(&mut self, frame: Frame, enhancement: &Enhancement) -> Result<Image> {
        enhance(&frame, enhancement)
    }

    fn readback(&mut self, picture: Image) -> Result<Image> {
        Ok(picture)
    }
}

pub(crate) fn failed(reason: impl ToString) -> Error {
    Error::Engine { engine: "CPU", reason: reason.to_string() }
}
