//! The road on the CPU: the fallback where there is no GPU, and the truth the GPU is compared with.
//!
//! One file a stage, each a plain function from pixels to pixels. The network runs on burn's flex device, and rayon
//! spreads the rest over the cores.

mod boxes;
mod components;
pub mod decontaminate;
pub mod denoise;
pub mod edge;
pub mod enhance;
pub mod guide;
pub mod lift;
pub mod plane;
pub mod prepare;
pub mod refine;
mod rows;
pub mod sharpen;
pub mod span;
mod strip;

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use cameo_matting::{Host, Library, Matting, Pass, People, Planes, Selfie};
use cameo_models::Network;

use crate::codec::Image;
use crate::error::{Error, Result};
use crate::pipeline::{CutoutOptions, Engine, Enhancement, GLANCE, Reading};
use crate::rules::{self, Census, Window};

pub use decontaminate::decontaminate;
pub use edge::edge;
pub use enhance::enhance;
pub use guide::Guide;
pub use lift::lift;
pub use plane::Plane;
pub use prepare::{Input, prepare};
pub use refine::refine;

/// The photo, and its matte once it has one.
#[derive(Debug)]
pub struct Frame {
    pub photo: Image,
    pub matte: Option<Plane>,
    /// What tells how certain the matte is.
    pub census: Option<Census>,
}

/// What the network made of what it saw.
#[derive(Debug, Clone)]
pub struct Matte {
    /// In 0..1.
    pub plane: Plane,
    /// What it saw, at the same size.
    pub small: Image,
}

/// The same, lifted.
#[derive(Debug)]
pub struct Lifted {
    pub matte: Matte,
    pub census: Census,
}

/// The engine that runs on any machine.
#[derive(Debug)]
pub struct CpuEngine {
    library: Library,
    host: Host,
    /// Whether weights are transformed once, as they are loaded.
    keeps: bool,
}

/// From so many photos on it pays to transform weights once. For IS-Net that takes 420 ms, most of them to fill 700 MB for
/// the first time, and saves 60 to 200 a photo.
const MANY: usize = 8;

/// Memory of a network's layers that is kept for the next photo's, in bytes.
const IDLE_BYTES: usize = 192 << 20;

impl CpuEngine {
    /// An engine that takes its networks from the folder `models`.
    pub fn new(models: &Path) -> Self {
        Self { library: Library::new(models, Device::flex()), host: Host::default(), keeps: false }
    }

    /// For so many photos. An engine for many keeps the networks' weights transformed: that takes 700 MB for IS-Net and
    /// 18 MB for U2-Net-p, and saves a tenth of IS-Net's time.
    pub fn for_photos(self, count: usize) -> Self {
        Self { keeps: count >= MANY, ..self }
    }

    /// The whole photo as `network` sees it at `size`.
    fn whole(&mut self, photo: &Image, network: Network, size: usize, mirrored: bool) -> Result<Input> {
        let entry = self.library.entry(network)?;
        prepare(photo, &Window::whole(photo.width, photo.height), size, [entry.mean, entry.std], mirrored)
    }

    /// What `network` makes of `[3, side, side]`: `[side, side]` in 0..1.
    fn network(&mut self, network: Network, planes: Vec<f32>, side: usize) -> Result<Vec<f32>> {
        run(self.library.get(network)?, Pass::Matte, &self.host, planes, side)
    }

    /// The small network's glance of the mirrored photo, mirrored back and stretched, and where `people` are if they are
    /// asked for, with the probability that there are any: side by side, as neither network keeps all cores busy.
    fn glance(&mut self, photo: &Image, people: bool) -> Result<(Plane, Option<(Plane, f32)>)> {
        let side = rules::GLANCE_SIDE;
        let input = self.whole(photo, GLANCE, side, true)?.planes;
        let (mut glance, people) = if people {
            let seen = self.whole(photo, Network::Selfie, rules::SIDE, false)?.planes;
            let device = self.library.device().clone();
            let (matting, selfie) = self.library.get_with_selfie(GLANCE)?;
            let host = &self.host;
            let (glance, people) =
                rayon::join(|| run(matting, Pass::Glance, host, input, side), || find_people(selfie, seen, &device));
            (glance?, Some(people?))
        } else {
            (run(self.library.get(GLANCE)?, Pass::Glance, &self.host, input, side)?, None)
        };
        glance.chunks_exact_mut(side).for_each(<[_]>::reverse);
        lift::stretch(&mut glance);
        Ok((Plane::square(side, glance), people))
    }
}

fn run(matting: &Matting, pass: Pass, host: &Host, planes: Vec<f32>, side: usize) -> Result<Vec<f32>> {
    let made = matting.forward(host, Planes::new(planes, [side, side]), pass).map_err(failed)?;
    let values = made.values().to_vec();
    drop(made);
    host.trim(IDLE_BYTES);
    Ok(values)
}

fn find_people(selfie: &Selfie, planes: Vec<f32>, device: &Device) -> Result<(Plane, f32)> {
    let data = TensorData::new(planes, [1, 3, rules::SIDE, rules::SIDE]);
    let People { matte, person } = selfie.forward(Tensor::from_data(data, device));
    let unreadable = |error| failed(format!("the guide's output cannot be read: {error:?}"));
    let values = matte.into_data().try_to_vec().map_err(unreadable)?;
    let person: Vec<f32> = person.into_data().try_to_vec().map_err(unreadable)?;
    Ok((Plane::square(rules::SIDE, values), person[0]))
}

impl Engine for CpuEngine {
    type Frame = Frame;
    type Guide = Guide;
    type Input = Input;
    type Matte = Matte;
    type Lifted = Lifted;
    type Picture = Reading;

    fn name(&self) -> &'static str {
        "cpu"
    }

    fn load(&mut self, network: Network) -> Result<()> {
        self.library.load(network)?;
        if self.keeps && network != Network::Selfie {
            self.host.keep(self.library.get(network)?).map_err(failed)?;
        }
        Ok(())
    }

    fn upload(&mut self, image: Image) -> Result<Frame> {
        Ok(Frame { photo: image, matte: None, census: None })
    }

    fn guide(&mut self, frame: &Frame, options: &CutoutOptions) -> Result<Guide> {
        let Image { width, height, .. } = frame.photo;
        let (glance, people) = self.glance(&frame.photo, options.guided())?;
        let size = self.library.entry(options.model)?.size;
        Ok(Guide::new(width, height, size, &glance, people))
    }

    fn prepare(&mut self, frame: &Frame, guide: &Guide, network: Network) -> Result<Input> {
        let entry = self.library.entry(network)?;
        prepare(&frame.photo, &guide.window, entry.size, [entry.mean, entry.std], false)
    }

    fn matte(&mut self, input: Input, network: Network) -> Result<Matte> {
        let side = input.small.width as usize;
        let values = self.network(network, input.planes, side)?;
        Ok(Matte { plane: Plane::square(side, values), small: input.small })
    }

    fn lift(&mut self, mut matte: Matte, guide: &Guide, options: &CutoutOptions) -> Result<Lifted> {
        lift::stretch(&mut matte.plane.values);
        let plane = lift(matte.plane, guide, options);
        let census = lift::census(&plane, guide);
        Ok(Lifted { matte: Matte { plane, ..matte }, census })
    }

    fn refine(&mut self, frame: Frame, matte: Lifted, guide: Guide, options: &CutoutOptions) -> Result<Frame> {
        let refined = refine(&matte.matte, &frame.photo, &guide.window, options.plain_matte);
        Ok(Frame { matte: Some(refined), census: Some(matte.census), ..frame })
    }

    fn decontaminate(&mut self, frame: Frame, options: &CutoutOptions) -> Result<Frame> {
        Ok(decontaminate(frame, options))
    }

    fn edge(&mut self, frame: Frame, options: &CutoutOptions) -> Result<Frame> {
        Ok(Frame { matte: frame.matte.map(|matte| edge(matte, options)), ..frame })
    }

    fn enhance(&mut self, frame: Frame, enhancement: &Enhancement) -> Result<Reading> {
        let census = frame.census;
        Ok(Reading { picture: enhance(frame, enhancement), census })
    }

    fn readback(&mut self, picture: Reading) -> Result<Reading> {
        Ok(picture)
    }
}

pub(crate) fn failed(reason: impl ToString) -> Error {
    Error::Engine { engine: "CPU", reason: reason.to_string() }
}
