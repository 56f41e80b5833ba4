//! The models folder, and the networks loaded from it so far.

use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use burn::tensor::Device;
use cameo_models::{Entry, Error, Manifest, Network};

use crate::{Matting, Selfie, fill};

/// Opens networks by name; the manifest and each network are read from disk once, when they are first asked for.
#[derive(Debug)]
pub struct Library {
    folder: PathBuf,
    device: Device,
    manifest: Option<Manifest>,
    loaded: Vec<(Network, Matting)>,
    selfie: Option<Selfie>,
}

impl Library {
    /// Networks of the models folder `folder`, to run on `device`.
    pub fn new(folder: &Path, device: Device) -> Self {
        Self { folder: folder.to_path_buf(), device, manifest: None, loaded: Vec::new(), selfie: None }
    }

    pub fn device(&self) -> &Device {
        &self.device
    }

    /// # Errors
    /// If the folder has no valid manifest, or the manifest no such network.
    pub fn entry(&mut self, network: Network) -> Result<Entry, Error> {
        let manifest = match self.manifest.take() {
            Some(manifest) => manifest,
            None => Manifest::read(&self.folder)?,
        };
        self.manifest.insert(manifest).entry(network).cloned()
    }

    /// `network`, loaded on the device; the first time, its file's hash and every name and shape are checked.
    ///
    /// # Errors
    /// As [`Library::entry`], or if the file is not what the manifest says.
    pub fn get(&mut self, network: Network) -> Result<&Matting, Error> {
        let at = match self.loaded.iter().position(|(loaded, _)| *loaded == network) {
            Some(at) => at,
            None => {
                let matting = self.read(network, Matting::load)?;
                self.loaded.push((network, matting));
                self.loaded.len() - 1
            }
        };
        Ok(&self.loaded[at].1)
    }

    /// The network that finds people, as [`Library::get`].
    pub fn selfie(&mut self) -> Result<&Selfie, Error> {
        let selfie = match self.selfie.take() {
            Some(selfie) => selfie,
            None => self.read(Network::Selfie, |entry, weights, device| fill(Selfie::new(device), entry, weights))?,
        };
        Ok(self.selfie.insert(selfie))
    }

    /// `network` and the network that finds people, as [`Library::get`].
    pub fn get_with_selfie(&mut self, network: Network) -> Result<(&Matting, &Selfie), Error> {
        self.selfie()?;
        self.get(network)?;
        let matting = self.loaded.iter().find(|(loaded, _)| *loaded == network).map(|(_, matting)| matting);
        Ok((matting.expect("it was loaded"), self.selfie.as_ref().expect("it was loaded")))
    }

    /// Loads `network`, whichever it is, unless it is loaded.
    ///
    /// # Errors
    /// As [`Library::get`].
    pub fn load(&mut self, network: Network) -> Result<(), Error> {
        match network {
            Network::Selfie => self.selfie().map(|_| ()),
            Network::IsNet | Network::U2NetP => self.get(network).map(|_| ()),
        }
    }

    fn read<M>(
        &mut self,
        network: Network,
        load: impl FnOnce(&Entry, &Path, &Device) -> Result<M, String>,
    ) -> Result<M, Error> {
        let entry = self.entry(network)?;
        let path = entry.find(&self.folder)?;
        // To hash the file takes as long as to widen its numbers. If the hash is wrong, nothing of it is used.
        let (verified, loaded) = thread::scope(|scope| {
            let verified = scope.spawn(|| entry.verify(&path));
            let loaded = load(&entry, &path, &self.device);
            (verified.join().unwrap_or_else(|panic| resume_unwind(panic)), loaded)
        });
        verified?;
        loaded.map_err(|reason| Error::WrongFile { network, path, reason })
    }
}
