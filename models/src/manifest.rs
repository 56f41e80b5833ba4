//! `manifest.toml`: the description of each weights file, and the check of a file against it.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The manifest's name in the models folder.
pub const MANIFEST: &str = "manifest.toml";

/// A network Cameo can run. Flags, the manifest and file names contain its name in lower case.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase", parse_err_ty = String, parse_err_fn = unknown_network)]
pub enum Network {
    /// IS-Net (Qin et al. 2022) at 1024x1024, for quality.
    IsNet,
    /// U2-Net-p, the small U2-Net (Qin et al. 2020), at 320x320, for speed and tests.
    U2NetP,
    /// MediaPipe's selfie segmentation (Google 2021) at 256x256: finds the people for the other two to cut out.
    Selfie,
}

impl Network {
    pub const ALL: [Network; 3] = [Network::IsNet, Network::U2NetP, Network::Selfie];

    /// The networks that compute mattes.
    pub const MATTING: [Network; 2] = [Network::IsNet, Network::U2NetP];

    /// Returns the name in flags, the manifest and file names.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Returns the error for a name that no network has. It offers the matting networks only: users choose among them, the
/// selfie network is an option of `cargo xtask convert` alone, whose help lists it.
fn unknown_network(name: &str) -> String {
    format!("no model is named {name:?}: use {}", Network::MATTING.map(Network::name).join(" or "))
}

/// A weights file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelEntry {
    pub network: Network,
    /// File name in the models folder.
    pub file: String,
    /// SHA-256 of the file, in lowercase hex.
    pub sha256: String,
    /// Size of the file.
    pub bytes: u64,
    /// Type of the weights in the file, `f16` or `f32`: the one they were published in. Cameo computes in f32.
    pub dtype: String,
    /// Side of the square input in pixels: the network's input is `[1, 3, size, size]`, RGB.
    pub size: usize,
    /// Subtracted from each channel of an image in 0..1.
    pub mean: [f32; 3],
    /// Divides each channel after the subtraction.
    pub std: [f32; 3],
    /// The package the weights came from.
    pub source: String,
    /// SHA-256 of the published file they were converted from.
    pub source_sha256: String,
    /// SPDX expression of the weights.
    pub licence: String,
    /// Where the network and its weights were published.
    pub origin: String,
}

/// The weights files of a models folder.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    #[serde(default, rename = "model")]
    pub models: Vec<ModelEntry>,
}

/// The reason why weights cannot be used. Each message ends with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error(
        "the models folder {folder} has no readable {MANIFEST} ({reason}): point --models at the folder `models` of a \
         Cameo release or checkout",
        folder = .folder.display()
    )]
    NoManifest { folder: PathBuf, reason: String },
    #[error("{path} is not a valid manifest ({reason}): restore it with `git checkout models`", path = .path.display())]
    BadManifest { path: PathBuf, reason: String },
    #[error(
        "{MANIFEST} has no entry for {network}: run `cargo xtask fetch`, then the `cargo xtask convert` command that it \
         prints for {network}"
    )]
    NoEntry { network: Network },
    #[error("the weights of {network} cannot be read from {path} ({reason}): {REMEDY}", path = .path.display())]
    Unreadable { network: Network, path: PathBuf, reason: String },
    #[error(
        "{path} is not the weights file of {network} that {MANIFEST} describes ({reason}): {REMEDY}",
        path = .path.display()
    )]
    WrongFile { network: Network, path: PathBuf, reason: String },
}

const REMEDY: &str = "restore it with `git checkout models`, or recreate it with `cargo xtask fetch` and the \
                      `cargo xtask convert` command that it prints";

impl Manifest {
    /// Reads `folder/manifest.toml`.
    ///
    /// # Errors
    /// [`ModelError::NoManifest`] if there is no such file, [`ModelError::BadManifest`] if it is not a manifest.
    pub fn read(folder: &Path) -> Result<Self, ModelError> {
        let path = folder.join(MANIFEST);
        let text = fs::read_to_string(&path)
            .map_err(|error| ModelError::NoManifest { folder: folder.to_path_buf(), reason: error.to_string() })?;
        toml::from_str(&text).map_err(|error| ModelError::BadManifest { path, reason: error.message().to_string() })
    }

    /// Returns the manifest as TOML with the entries sorted by name, so that equal manifests give equal bytes.
    pub fn to_toml(&self) -> String {
        let mut sorted = self.clone();
        sorted.models.sort_by_key(|entry| entry.network.name());
        let body = toml::to_string(&sorted).expect("a manifest has only strings and numbers");
        format!("# Written by `cargo xtask convert`. What the files are and where they come from: README.md\n\n{body}")
    }

    /// Returns the entry of `network`.
    ///
    /// # Errors
    /// [`ModelError::NoEntry`].
    pub fn entry(&self, network: Network) -> Result<&ModelEntry, ModelError> {
        self.models.iter().find(|entry| entry.network == network).ok_or(ModelError::NoEntry { network })
    }
}

impl ModelEntry {
    /// Returns the path of the weights file after checking its size and hash.
    ///
    /// # Errors
    /// [`ModelError::Unreadable`], or [`ModelError::WrongFile`] if the size or the hash differs.
    pub fn verified_path(&self, folder: &Path) -> Result<PathBuf, ModelError> {
        let path = self.path(folder)?;
        self.verify(&path)?;
        Ok(path)
    }

    /// Returns the path of the weights file after checking only its size.
    ///
    /// # Errors
    /// As [`ModelEntry::verified_path`].
    pub fn path(&self, folder: &Path) -> Result<PathBuf, ModelError> {
        let network = self.network;
        let path = folder.join(&self.file);
        let length = fs::metadata(&path).map_err(|reason| self.unreadable(&path, &reason))?.len();
        if length != self.bytes {
            let reason = format!("it has {length} bytes instead of {}", self.bytes);
            return Err(ModelError::WrongFile { network, path, reason });
        }
        Ok(path)
    }

    /// Checks the hash of the file `path`.
    ///
    /// # Errors
    /// As [`ModelEntry::verified_path`].
    pub fn verify(&self, path: &Path) -> Result<(), ModelError> {
        let sha256 = file_sha256(path).map_err(|reason| self.unreadable(path, &reason))?;
        if sha256 != self.sha256 {
            let reason = format!("its SHA-256 is {sha256} instead of {}", self.sha256);
            return Err(ModelError::WrongFile { network: self.network, path: path.into(), reason });
        }
        Ok(())
    }

    fn unreadable(&self, path: &Path, reason: &std::io::Error) -> ModelError {
        ModelError::Unreadable { network: self.network, path: path.into(), reason: reason.to_string() }
    }
}

/// Returns the SHA-256 of `bytes` in lowercase hex.
pub fn hex_sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Returns the SHA-256 of a file in lowercase hex. Reads the file in blocks, so that it is never in memory as a whole.
fn file_sha256(path: &Path) -> std::io::Result<String> {
    let (mut file, mut hash, mut block) = (fs::File::open(path)?, Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut block)? {
            0 => return Ok(hex::encode(hash.finalize())),
            count => hash.update(&block[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(bytes: &[u8]) -> ModelEntry {
        ModelEntry {
            network: Network::U2NetP,
            file: "weights".into(),
            sha256: hex_sha256(bytes),
            bytes: bytes.len() as u64,
            dtype: "f32".into(),
            size: 320,
            mean: [0.5; 3],
            std: [1.0; 3],
            source: "test".into(),
            source_sha256: String::new(),
            licence: "Apache-2.0".into(),
            origin: "test".into(),
        }
    }

    /// A models folder with a weights file of `bytes`.
    fn folder_with(bytes: &[u8]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("weights"), bytes).unwrap();
        folder
    }

    #[test]
    fn a_network_has_one_name_in_flags_and_in_the_manifest() {
        for (network, name) in Network::ALL.into_iter().zip(["isnet", "u2netp", "selfie"]) {
            assert_eq!((network.name(), network.to_string(), name.parse()), (name, name.into(), Ok(network)));
            assert_eq!(Deserialize::deserialize(toml::Value::from(name)), Ok::<_, toml::de::Error>(network));
        }
    }

    #[test]
    fn an_unknown_network_is_refused_with_the_names_of_the_matting_networks() {
        let error = "modnet".parse::<Network>().unwrap_err();
        assert_eq!(error, "no model is named \"modnet\": use isnet or u2netp");
    }

    #[test]
    fn a_file_that_fits_the_manifest_opens() {
        let folder = folder_with(b"abc");
        assert_eq!(entry(b"abc").verified_path(folder.path()).unwrap(), folder.path().join("weights"));
    }

    #[test]
    fn a_changed_byte_is_refused_with_the_remedy() {
        let folder = folder_with(b"abd");
        let error = entry(b"abc").verified_path(folder.path()).unwrap_err().to_string();
        assert!(error.contains("SHA-256") && error.contains("cargo xtask convert"), "{error}");
    }

    #[test]
    fn a_missing_or_short_file_is_refused_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let error = entry(b"abc").verified_path(folder.path()).unwrap_err().to_string();
        assert!(error.contains("cannot be read") && error.contains("cargo xtask convert"), "{error}");
        let folder = folder_with(b"ab");
        let error = entry(b"abc").verified_path(folder.path()).unwrap_err().to_string();
        assert!(error.contains("2 bytes instead of 3"), "{error}");
    }

    #[test]
    fn a_manifest_reads_back_as_it_was_written() {
        let manifest = Manifest { models: vec![entry(b"abc")] };
        assert_eq!(toml::from_str::<Manifest>(&manifest.to_toml()).unwrap(), manifest);
    }
}
