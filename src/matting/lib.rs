//! The networks that find the subject. Plain burn: the device a module was loaded on decides where it runs, and the
//! same code serves both engines. Knows no image, no wgpu and no engine.

mod isnet;
mod library;
mod ops;
mod rsu;
mod selfie;
mod u2netp;

use std::path::Path;

use burn::store::{HalfPrecisionAdapter, ModuleSnapshot, SafetensorsStore};
use burn::tensor::Device;
use cameo_models::{Entry, Network};

pub use isnet::IsNet;
pub use library::Library;
pub use ops::{Burn, Finish, Host, Ops, Planes};
pub use selfie::{People, Selfie};
pub use u2netp::U2NetP;

/// What is asked of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// Its matte.
    Matte,
    /// Where the subject is: the side output of the second finest decoder stage, enlarged. Of U2-Net-p alone, for 46
    /// percent of the operations.
    Glance,
}

/// A network with its weights, on a device.
#[derive(Debug)]
pub enum Matting {
    IsNet(IsNet),
    U2NetP(U2NetP),
}

impl Matting {
    /// Loads the file `weights` (safetensors, mapped into memory, widened to f32 if they are f16) as the network of `entry`.
    ///
    /// # Errors
    /// A sentence that names the first parameter that is missing or has another shape.
    pub fn load(entry: &Entry, weights: &Path, device: &Device) -> Result<Self, String> {
        match entry.network {
            Network::IsNet => fill(IsNet::new(device), entry, weights).map(Self::IsNet),
            Network::U2NetP => fill(U2NetP::new(device), entry, weights).map(Self::U2NetP),
            Network::Selfie => Err("it finds people, and cuts nobody out".into()),
        }
    }

    /// The matte or the glance before min-max: `[3, size, size]`, RGB less mean over deviation, to `[1, size, size]` in
    /// 0..1.
    ///
    /// Both networks are fully convolutional: any side that is a multiple of 64 works, the trained one works best.
    ///
    /// # Errors
    /// What the device says, in a sentence; or that IS-Net gives no glance.
    pub fn forward<O: Ops>(&self, ops: &O, image: O::Stack, pass: Pass) -> Result<O::Stack, String> {
        match (self, pass) {
            (Self::IsNet(network), Pass::Matte) => network.forward(ops, image),
            (Self::IsNet(_), Pass::Glance) => Err("IS-Net's coarser side outputs served training alone".into()),
            (Self::U2NetP(network), Pass::Matte) => network.forward(ops, image),
            (Self::U2NetP(network), Pass::Glance) => network.glance(ops, image),
        }
    }
}

/// `network` with the parameters of `weights`.
fn fill<M: ModuleSnapshot>(mut network: M, entry: &Entry, weights: &Path) -> Result<M, String> {
    let mut store = SafetensorsStore::from_file(weights);
    if entry.dtype == "f16" {
        store = store.with_from_adapter(HalfPrecisionAdapter::new());
    }
    let name = entry.network;
    let applied = network.load_from(&mut store).map_err(|error| format!("the weights do not fit {name}: {error}"))?;
    match applied.unused.first() {
        Some(unused) => Err(format!("the weights hold {unused}, which {name} does not have")),
        None => Ok(network),
    }
}
