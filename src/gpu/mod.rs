//! The road on the GPU: the only room that names wgpu and cubecl, and the only one that may hold unsafe code.
//!
//! One device is shared by burn and our pipelines: [`cameo_device`] (a crate of its own) opens it. Pixels cross the bus
//! twice: [`bus`] holds and counts every copy. One file a stage, named as its shader and as its twin in [`crate::cpu`].

pub mod bus;
mod choice;
mod components;
pub mod decontaminate;
pub mod denoise;
pub mod edge;
pub mod enhance;
pub mod guide;
pub mod kernels;
pub mod lift;
pub mod network;
pub mod params;
pub mod pool;
pub mod prepare;
pub mod refine;
pub mod strips;
pub mod table;

use std::path::Path;

use burn::tensor::Tensor;
use cameo_device::Adapter;
use cameo_matting::{Library, Pass};
use cameo_models::Network;

use crate::codec::{self, Depth, Image};
use crate::error::{Error, Result};
use crate::pipeline::{CutoutOptions, Engine, Enhancement, GLANCE, Reading};
use crate::rules::{self, Census};
use crate::taps;
use bus::{Bus, Traffic};
pub use choice::Convolutions;
use guide::Guide;
use kernels::{Halves, Kernels};
use network::{Kept, Stack};
use pool::Buffer;
use prepare::View;
use strips::Strips;

/// Memory a band of the result may take at once, in bytes: enough for a GPU to be busy, little beside its pools.
const BAND_BYTES: u64 = 64 << 20;

/// How large our buffers may become.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Of a strip of a picture, in bytes.
    pub strip_bytes: u64,
    /// Of what is held of a band, in bytes: its premultiplied pixels, or the ranges around them.
    pub band_bytes: u64,
}

/// What the stages run on.
#[derive(Debug)]
pub struct Gpu {
    pub bus: Bus,
    pub kernels: Kernels,
    pub limits: Limits,
    /// [`taps::lanczos_table`].
    pub lanczos: Buffer,
}

impl Gpu {
    fn encoder(&self, label: &'static str) -> wgpu::CommandEncoder {
        self.bus.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some(label) })
    }

    /// Hands the commands to the device and waits for them, so that stage times are true and memory is free again.
    fn submit(&self, encoder: wgpu::CommandEncoder) -> Result<()> {
        self.bus.queue.submit([encoder.finish()]);
        self.bus.wait()
    }
}

/// The photo on the device, and its matte once it has one.
#[derive(Debug)]
pub struct Frame {
    /// Packed RGBA8, straight alpha.
    pub photo: Strips,
    /// One f32 a pixel, 0..1.
    pub matte: Option<Strips>,
    /// What tells how certain the matte is: a [`Census`].
    pub census: Option<Buffer>,
}

/// A finished picture on the device.
#[derive(Debug)]
pub struct Picture {
    pub width: u32,
    pub height: u32,
    pub depth: Depth,
    /// Of one word a pixel, or of two.
    pub strips: Strips,
    pub census: Option<Buffer>,
}

/// What a network sees, and how it wants to.
#[derive(Debug)]
pub struct Input {
    /// `[1, 3, size, size]`
    pub tensor: Tensor<4>,
    pub view: View,
}

/// What the network made of it: one plane in 0..1.
#[derive(Debug)]
pub struct Matte {
    pub plane: Stack,
    pub input: Input,
}

/// The same, stretched and lifted: one f32 a pixel.
#[derive(Debug)]
pub struct Lifted {
    pub matte: Buffer,
    pub census: Buffer,
    pub input: Input,
}

/// The engine that runs on a GPU. One thread owns it.
#[derive(Debug)]
pub struct GpuEngine {
    pub gpu: Gpu,
    pub library: Library,
    kept: Kept,
    halves: Option<Halves>,
    pub convolutions: Convolutions,
}

impl GpuEngine {
    /// Opens `adapter`; a process opens each adapter once.
    ///
    /// # Errors
    /// [`Error::Engine`] if the driver refuses.
    pub fn new(adapter: &Adapter, models: &Path) -> Result<Self> {
        let opened = cameo_device::open(adapter).map_err(failed)?;
        let device = opened.setup.device;
        let limits = device.limits();
        let most = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size);
        let limits = Limits { strip_bytes: most, band_bytes: BAND_BYTES.min(most) };
        let kernels = Kernels::new(&device);
        // A software adapter has them too, and is the slower for it.
        let halves = (!adapter.is_software()).then(|| Halves::new(&device)).flatten();
        let bus = Bus::new(device, opened.setup.queue);
        let lanczos = bus.table("lanczos", &taps::lanczos_table());
        let gpu = Gpu { bus, kernels, limits, lanczos };
        let convolutions = choice::choose(&gpu, gpu.kernels.tiling(halves.as_ref()), &opened.burn, adapter);
        let library = Library::new(models, opened.burn);
        Ok(Self { gpu, library, kept: Kept::default(), halves, convolutions })
    }

    /// Has IS-Net's tiles and weights be of 16 bits from now on, or not. False if the adapter has no such numbers.
    pub fn set_halves(&mut self, wanted: bool) -> bool {
        self.halves = wanted.then(|| Halves::new(&self.gpu.bus.device)).flatten();
        self.kept = Kept::default();
        self.halves.is_some() == wanted
    }

    /// What has crossed between host and device so far.
    pub fn traffic(&self) -> Traffic {
        self.gpu.bus.meter().read()
    }

    /// What `network` makes of `image`, `[1, 3, side, side]`: a plane in 0..1.
    pub fn network(&mut self, network: Network, pass: Pass, image: Tensor<4>) -> Result<Stack> {
        let matting = self.library.get(network)?;
        match self.convolutions {
            Convolutions::Ours => {
                // The small network's matte would move by more than is allowed.
                let halves = self.halves.as_ref().filter(|_| network == Network::IsNet);
                network::run(&self.gpu, self.gpu.kernels.tiling(halves), &self.kept, matting, pass, image)
            }
            Convolutions::Burns => network::run_by_burn(matting, pass, image),
        }
    }

    fn view(&mut self, network: Network) -> Result<View> {
        let entry = self.library.entry(network)?;
        Ok(View { size: entry.size as u32, mean: entry.mean, deviation: entry.std, mirrored: false })
    }

    /// The part of the photo in `scene` as `view` wants it.
    fn see(&self, frame: &Frame, scene: &Buffer, view: View) -> Result<Tensor<4>> {
        prepare::prepare(&self.gpu, &frame.photo, scene, view, self.library.device())
    }
}

impl Engine for GpuEngine {
    type Frame = Frame;
    type Guide = Guide;
    type Input = Input;
    type Matte = Matte;
    type Lifted = Lifted;
    type Picture = Picture;

    fn name(&self) -> &'static str {
        "gpu"
    }

    fn load(&mut self, network: Network) -> Result<()> {
        self.library.load(network)?;
        Ok(())
    }

    fn upload(&mut self, image: Image) -> Result<Frame> {
        let Image { width, height, pixels } = image;
        let photo = Strips::upload(&self.gpu.bus, width, height, &pixels, self.gpu.limits.strip_bytes);
        Ok(Frame { photo, matte: None, census: None })
    }

    fn guide(&mut self, frame: &Frame, options: &CutoutOptions) -> Result<Guide> {
        let photo = [frame.photo.width, frame.photo.height];
        let whole = guide::whole_scene(&self.gpu, photo[0], photo[1]);
        let view = View { size: rules::GLANCE_SIDE as u32, mirrored: true, ..self.view(GLANCE)? };
        let glance = self.see(frame, &whole, view)?;
        let glance = self.network(GLANCE, Pass::Glance, glance)?;
        let people = match options.guided() {
            true => {
                let view = self.view(Network::Selfie)?;
                let seen = self.see(frame, &whole, view)?;
                Some(self.library.selfie()?.forward(seen))
            }
            false => None,
        };
        let size = self.view(options.model)?.size;
        guide::guide(&self.gpu, photo, size, &glance, people, self.library.device())
    }

    fn prepare(&mut self, frame: &Frame, guide: &Guide, network: Network) -> Result<Input> {
        let view = self.view(network)?;
        Ok(Input { tensor: self.see(frame, &guide.scene, view)?, view })
    }

    fn matte(&mut self, input: Input, network: Network) -> Result<Matte> {
        let plane = self.network(network, Pass::Matte, input.tensor.clone())?;
        Ok(Matte { plane, input })
    }

    fn lift(&mut self, matte: Matte, guide: &Guide, options: &CutoutOptions) -> Result<Lifted> {
        let Matte { plane, input } = matte;
        let [matte, census] = lift::lift(&self.gpu, &plane, guide, options)?;
        Ok(Lifted { matte, census, input })
    }

    fn refine(&mut self, frame: Frame, matte: Lifted, guide: Guide, options: &CutoutOptions) -> Result<Frame> {
        let refined = refine::refine(&self.gpu, &frame.photo, &matte, &guide, options.plain_matte)?;
        Ok(Frame { matte: Some(refined), census: Some(matte.census), ..frame })
    }

    fn decontaminate(&mut self, frame: Frame, options: &CutoutOptions) -> Result<Frame> {
        let spread = options.reach(frame.photo.width, frame.photo.height);
        let photo = decontaminate::decontaminate(&self.gpu, &frame.photo, frame.matte.as_ref(), spread)?;
        Ok(Frame { photo, ..frame })
    }

    fn edge(&mut self, frame: Frame, options: &CutoutOptions) -> Result<Frame> {
        let edge = |matte| edge::edge(&self.gpu, matte, options);
        Ok(Frame { matte: frame.matte.map(edge).transpose()?, ..frame })
    }

    fn enhance(&mut self, mut frame: Frame, enhancement: &Enhancement) -> Result<Picture> {
        let census = frame.census.take();
        let strips = enhance::enhance(&self.gpu, frame, enhancement)?;
        let Enhancement { width, height, depth, .. } = *enhancement;
        Ok(Picture { width, height, depth, strips, census })
    }

    fn readback(&mut self, picture: Picture) -> Result<Reading> {
        let Picture { width, height, .. } = picture;
        let words: u64 = picture.strips.buffers().map(|buffer| buffer.size()).sum();
        let mut pixels = Vec::with_capacity(words as usize + size_of::<Census>());
        let mut strips = picture.strips.buffers().peekable();
        while let Some(strip) = strips.next() {
            // The census travels with the last of them.
            match &picture.census {
                Some(census) if strips.peek().is_none() => self.gpu.bus.read(&[strip, census], &mut pixels)?,
                _ => self.gpu.bus.read(&[strip], &mut pixels)?,
            }
        }
        let census = picture.census.map(|_| {
            let words = pixels.split_off(pixels.len() - size_of::<Census>());
            bytemuck::pod_read_unaligned(&words)
        });
        let picture = match picture.depth {
            Depth::Eight => codec::Picture::Eight(Image { width, height, pixels }),
            Depth::Sixteen => {
                codec::Picture::Sixteen(Image { width, height, pixels: bytemuck::pod_collect_to_vec(&pixels) })
            }
        };
        Ok(Reading { picture, census })
    }
}

fn failed(reason: impl ToString) -> Error {
    Error::Engine { engine: "GPU", reason: reason.to_string() }
}
