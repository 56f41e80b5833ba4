//! The models folder, and the networks loaded from it so far.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use cameo_models::{Entry, Error, Manifest, Network};

use crate::Matting;

/// Opens networks by name; each is read from disk once.
#[derive(Debug)]
pub struct Library {
    folder: PathBuf,
    manifest: Manifest,
    device: Device,
    loaded: Vec<(Network, Matting)>,
}

impl Library {
    /// # Errors
    /// If the folder has no valid manifest.
    pub fn open(folder: &Path, device: Device) -> Result<Self, Error> {
        let manifest = Manifest::read(folder)?;
        Ok(Self { folder: folder.to_path_buf(), manifest, device, loaded: Vec::new() })
    }

    pub fn device(&self) -> &Device {
        &self.device
    }

    pub fn entry(&self, network: Network) -> Result<&Entry, Error> {
        self.manifest.entry(network)
    }

    /// `network`, loaded on the device; the first time, its file's hash and then every name and shape are checked.
    pub fn get(&mut self, network: Network) -> Result<&Matting, Error> {
        let at = match self.loaded.iter().position(|(loaded, _)| *loaded == network) {
            Some(at) => at,
            None => {
                let matting = self.read(network)?;
                self.loaded.push((network, matting));
                self.loaded.len() - 1
            }
        };
        Ok(&self.loaded[at].1)
    }

    fn read(&self, network: Network) -> Result<Matting, Error> {
        let entry = self.manifest.entry(network)?;
        let weights = entry.open(&self.folder)?;
        Matting::load(entry, weights, &self.device).map_err(|reason| {
            let path = self.folder.join(&entry.file);
            Error::WrongFile { network, path, reason }
        })
    }
}
