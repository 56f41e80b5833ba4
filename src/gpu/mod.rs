//! The road on the GPU: the only room that names wgpu and cubecl, and the only one that may hold unsafe code.
//!
//! One device is shared by burn and our pipelines: [`cameo_device`] (`device`, a crate of its own) opens it. Pixels cross the bus twice: [`bus`] holds and counts every copy.
//! One file a stage, named as its shader and as its twin in [`crate::cpu`].

pub mod bus;
pub mod enhance;
pub mod kernels;
pub mod prepare;
pub mod refine;
pub mod strips;

use std::path::Path;

use burn::tensor::Tensor;
use cameo_device::Adapter;
use cameo_matting::Library;
use cameo_models::Network;

use crate::codec::Image;
use crate::error::{Error, Result};
use crate::pipeline::{Engine, Enhancement};
use bus::{Bus, Traffic};
use kernels::Kernels;
use strips::Strips;

/// Memory a band of the result may take at once, in bytes: enough for a GPU to be busy, little beside its pools.
const BAND_BYTES: u64 = 64 << 20;

/// How large our buffers may become.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Of a strip of a picture, in bytes.
    pub strip_bytes: u64,
    /// Of the premultiplied pixels of a band, in bytes.
    pub band_bytes: u64,
}

/// What the stages run on.
#[derive(Debug)]
pub struct Gpu {
    pub bus: Bus,
    pub kernels: Kernels,
    pub limits: Limits,
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
}

/// The engine that runs on a GPU. One thread owns it.
#[derive(Debug)]
pub struct GpuEngine {
    pub gpu: Gpu,
    pub library: Library,
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
        let gpu = Gpu { kernels: Kernels::new(&device), bus: Bus::new(device, opened.setup.queue), limits };
        Ok(Self { gpu, library: Library::new(models, opened.burn) })
    }

    /// What has crossed between host and device so far.
    pub fn traffic(&self) -> Traffic {
        self.gpu.bus.traffic()
    }
}

impl Engine for GpuEngine {
    type Frame = Frame;
    type Input = Tensor<4>;
    type Matte = Tensor<4>;
    type Picture = Strips;

    fn name(&self) -> &'static str {
        "gpu"
    }

    fn load(&mut self, network: Network) -> Result<()> {
        self.library.get(network)?;
        Ok(())
    }

    fn upload(&mut self, image: Image) -> Result<Frame> {
        let Image { width, height, pixels } = image;
        let photo = Strips::upload(&self.gpu.bus, width, height, &pixels, self.gpu.limits.strip_bytes);
        Ok(Frame { photo, matte: None })
    }

    fn prepare(&mut self, frame: &Frame, network: Network) -> Result<Tensor<4>> {
        let entry = self.library.entry(network)?;
        prepare::prepare(&self.gpu, &frame.photo, &entry, self.library.device())
    }

    fn matte(&mut self, input: Tensor<4>, network: Network) -> Result<Tensor<4>> {
        let matte = self.library.get(network)?.forward(input);
        self.library.device().sync().map_err(failed)?;
        Ok(matte)
    }

    fn refine(&mut self, frame: Frame, matte: Tensor<4>) -> Result<Frame> {
        let matte = refine::refine(&self.gpu, &frame.photo, matte, self.library.device())?;
        Ok(Frame { matte: Some(matte), ..frame })
    }

    fn enhance(&mut self, frame: Frame, enhancement: &Enhancement) -> Result<Strips> {
        enhance::enhance(&self.gpu, &frame, enhancement)
    }

    fn readback(&mut self, picture: Strips) -> Result<Image> {
        let Strips { width, height, .. } = picture;
        let mut pixels = Vec::with_capacity(width as usize * height as usize * 4);
        for strip in picture.buffers() {
            self.gpu.bus.read(strip, &mut pixels)?;
        }
        Ok(Image { width, height, pixels })
    }
}

fn failed(reason: impl ToString) -> Error {
    Error::Engine { engine: "GPU", reason: reason.to_string() }
}
