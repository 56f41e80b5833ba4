//! The networks of a models folder.

use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use burn::tensor::Device;
use cameo_models::{Manifest, ModelEntry, ModelError, Network};

use crate::matting_network::MattingNetwork;
use crate::selfie::SelfieSegmenter;
use crate::weights::load_weights;

/// Opens networks by name. The manifest and the weights of each network are read from disk once, when they are first
/// needed.
#[derive(Debug)]
pub struct ModelLibrary {
    folder: PathBuf,
    device: Device,
    manifest: Option<Manifest>,
    matting: Vec<(Network, Arc<MattingNetwork>)>,
    selfie: Option<Arc<SelfieSegmenter>>,
}

impl ModelLibrary {
    /// Returns the library of the models folder `folder`. It loads networks on `device`.
    pub fn new(folder: &Path, device: Device) -> Self {
        Self { folder: folder.to_path_buf(), device, manifest: None, matting: Vec::new(), selfie: None }
    }

    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Returns what the manifest says about `network`.
    ///
    /// # Errors
    /// If the folder has no valid manifest, or the manifest has no such network.
    pub fn entry(&mut self, network: Network) -> Result<ModelEntry, ModelError> {
        let manifest = match self.manifest.take() {
            Some(manifest) => manifest,
            None => Manifest::read(&self.folder)?,
        };
        self.manifest.insert(manifest).entry(network).cloned()
    }

    /// Returns the matting network `network`. The first call loads it and checks the hash of its file and the name and
    /// shape of each parameter.
    ///
    /// # Errors
    /// Those of [`ModelLibrary::entry`]; if the file does not match the manifest or the network; or if `network`
    /// computes no matte.
    pub fn matting(&mut self, network: Network) -> Result<Arc<MattingNetwork>, ModelError> {
        if let Some((_, loaded)) = self.matting.iter().find(|(loaded, _)| *loaded == network) {
            return Ok(loaded.clone());
        }
        let loaded = Arc::new(self.read(network, MattingNetwork::load)?);
        self.matting.push((network, loaded.clone()));
        Ok(loaded)
    }

    /// Returns the network that finds people, which the first call loads.
    ///
    /// # Errors
    /// Those of [`ModelLibrary::matting`].
    pub fn selfie(&mut self) -> Result<Arc<SelfieSegmenter>, ModelError> {
        if let Some(loaded) = &self.selfie {
            return Ok(loaded.clone());
        }
        let loaded = self.read(Network::Selfie, |entry, weights, device| {
            load_weights(SelfieSegmenter::new(device), entry, weights)
        })?;
        Ok(self.selfie.insert(Arc::new(loaded)).clone())
    }

    /// Loads `network` unless it is loaded.
    ///
    /// # Errors
    /// Those of [`ModelLibrary::matting`].
    pub fn load(&mut self, network: Network) -> Result<(), ModelError> {
        match network {
            Network::Selfie => self.selfie().map(drop),
            Network::IsNet | Network::U2NetP => self.matting(network).map(drop),
        }
    }

    fn read<M>(
        &mut self,
        network: Network,
        load: impl FnOnce(&ModelEntry, &Path, &Device) -> Result<M, String>,
    ) -> Result<M, ModelError> {
        let entry = self.entry(network)?;
        let path = entry.path(&self.folder)?;
        // The hash takes as long as the loading, so both run at once. If it is wrong, the network is dropped unused.
        let (verified, loaded) = thread::scope(|scope| {
            let verified = scope.spawn(|| entry.verify(&path));
            let loaded = load(&entry, &path, &self.device);
            (verified.join().unwrap_or_else(|panic| resume_unwind(panic)), loaded)
        });
        verified?;
        loaded.map_err(|reason| ModelError::WrongFile { network, path, reason })
    }
}
