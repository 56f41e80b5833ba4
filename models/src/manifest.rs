//! `manifest.toml`: what each weights file must be; and opening a file against it.

use std::fmt;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The manifest's name in the models folder.
pub const MANIFEST: &str = "manifest.toml";

/// A network Cameo can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// IS-Net (Qin et al. 2022) at 1024x1024: quality.
    IsNet,
    /// U2-Net-p, the small U2-Net (Qin et al. 2020), at 320x320: speed, tests.
    U2NetP,
    /// MediaPipe's selfie segmentation (Google 2021) at 256x256: finds people, and guides the other two.
    Selfie,
}

impl Network {
    pub const ALL: [Network; 3] = [Network::IsNet, Network::U2NetP, Network::Selfie];

    /// Those that a subject can be cut out with.
    pub const MATTING: [Network; 2] = [Network::IsNet, Network::U2NetP];

    /// The name in flags, the manifest and file names.
    pub fn name(self) -> &'static str {
        match self {
            Network::IsNet => "isnet",
            Network::U2NetP => "u2netp",
            Network::Selfie => "selfie",
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let network = Self::ALL.into_iter().find(|network| network.name() == name);
        // Those that cut out: the third is for the converter, whose help names it.
        network.ok_or_else(|| format!("no model is named {name:?}: use {}", Self::MATTING.map(Self::name).join(" or ")))
    }
}

/// One weights file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub network: Network,
    /// File name in the models folder.
    pub file: String,
    /// Of the file, lowercase hex.
    pub sha256: String,
    /// Of the file.
    pub bytes: u64,
    /// Type of the weights in the file: f16 or f32, as they were published. They are computed with in f32.
    pub dtype: String,
    /// Side of the square input, in pixels: the network sees `[1, 3, size, size]`, RGB.
    pub size: usize,
    /// Subtracted from each channel of an image in 0..1.
    pub mean: [f32; 3],
    /// Then divides it.
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

/// All weights files of a models folder.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    #[serde(default, rename = "model")]
    pub models: Vec<Entry>,
}

/// Why weights could not be opened. Each message ends with what mends it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the models folder {folder} has no readable {MANIFEST} ({reason}): point --models at the folder `models` of a Cameo release or checkout", folder = .folder.display())]
    NoManifest { folder: PathBuf, reason: String },
    #[error("{path} is not a valid manifest: {reason}: restore it with `git checkout models`", path = .path.display())]
    BadManifest { path: PathBuf, reason: String },
    #[error(
        "{MANIFEST} has no entry for {network}: run `cargo xtask fetch`, then `cargo xtask convert {network}.onnx --as {network}` as it prints"
    )]
    NoEntry { network: Network },
    #[error("the weights of {network} cannot be read from {path} ({reason}): {MEND}", path = .path.display())]
    Unreadable { network: Network, path: PathBuf, reason: String },
    #[error("{path} is not the weights file of {network} that {MANIFEST} names ({reason}): {MEND}", path = .path.display())]
    WrongFile { network: Network, path: PathBuf, reason: String },
}

const MEND: &str = "restore it with `git checkout models`, or make it anew with `cargo xtask fetch` and the `cargo xtask convert` line it prints";

impl Manifest {
    /// Reads `folder/manifest.toml`.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(MANIFEST);
        let text = fs::read_to_string(&path)
            .map_err(|error| Error::NoManifest { folder: folder.to_path_buf(), reason: error.to_string() })?;
        toml::from_str(&text).map_err(|error| Error::BadManifest { path, reason: error.message().to_string() })
    }

    /// The manifest as TOML, entries in the order of their names; equal manifests give equal bytes.
    pub fn to_toml(&self) -> String {
        let mut sorted = self.clone();
        sorted.models.sort_by_key(|entry| entry.network.name());
        let body = toml::to_string(&sorted).expect("a manifest has only strings and numbers");
        format!("# Written by `cargo xtask convert`. What the files are and where they come from: README.md\n\n{body}")
    }

    pub fn entry(&self, network: Network) -> Result<&Entry, Error> {
        self.models.iter().find(|entry| entry.network == network).ok_or(Error::NoEntry { network })
    }
}

impl Entry {
    /// The file of the weights, once its size and hash were found to be what they should be.
    pub fn open(&self, folder: &Path) -> Result<PathBuf, Error> {
        let path = self.find(folder)?;
        self.verify(&path)?;
        Ok(path)
    }

    /// The file of the weights, of which only the size was found to be what it should be.
    pub fn find(&self, folder: &Path) -> Result<PathBuf, Error> {
        let network = self.network;
        let path = folder.join(&self.file);
        let length = fs::metadata(&path).map_err(|reason| self.unreadable(&path, &reason))?.len();
        // The size first: a wrong file may be of any length, and is not worth reading.
        if length != self.bytes {
            let reason = format!("{length} bytes instead of {}", self.bytes);
            return Err(Error::WrongFile { network, path, reason });
        }
        Ok(path)
    }

    /// Whether the file `path` has the hash that it should have.
    pub fn verify(&self, path: &Path) -> Result<(), Error> {
        let sha256 = sha256_of(path).map_err(|reason| self.unreadable(path, &reason))?;
        if sha256 != self.sha256 {
            let reason = format!("its SHA-256 is {sha256} instead of {}", self.sha256);
            return Err(Error::WrongFile { network: self.network, path: path.into(), reason });
        }
        Ok(())
    }

    fn unreadable(&self, path: &Path, reason: &std::io::Error) -> Error {
        Error::Unreadable { network: self.network, path: path.into(), reason: reason.to_string() }
    }
}

/// SHA-256 in lowercase hex.
pub fn hex_sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The same of a file, read part by part: no memory holds it whole.
fn sha256_of(path: &Path) -> std::io::Result<String> {
    let (mut file, mut hash, mut part) = (fs::File::open(path)?, Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut part)? {
            0 => return Ok(hex(&hash.finalize())),
            count => hash.update(&part[..count]),
        }
    }
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(bytes: &[u8]) -> Entry {
        Entry {
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

    fn scratch(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("cameo-manifest-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn a_file_that_is_what_the_manifest_says_opens() {
        let folder = scratch("good");
        fs::write(folder.join("weights"), b"abc").unwrap();
        assert_eq!(entry(b"abc").open(&folder).unwrap(), folder.join("weights"));
    }

    #[test]
    fn a_changed_byte_is_refused_with_the_command_that_mends_it() {
        let folder = scratch("changed");
        fs::write(folder.join("weights"), b"abd").unwrap();
        let error = entry(b"abc").open(&folder).unwrap_err().to_string();
        assert!(error.contains("SHA-256") && error.contains("cargo xtask convert"), "{error}");
    }

    #[test]
    fn a_missing_or_short_file_is_refused_with_the_command_that_mends_it() {
        let folder = scratch("missing");
        let _ = fs::remove_file(folder.join("weights"));
        let error = entry(b"abc").open(&folder).unwrap_err().to_string();
        assert!(error.contains("cannot be read") && error.contains("cargo xtask convert"), "{error}");
        fs::write(folder.join("weights"), b"ab").unwrap();
        let error = entry(b"abc").open(&folder).unwrap_err().to_string();
        assert!(error.contains("2 bytes instead of 3"), "{error}");
    }

    #[test]
    fn a_manifest_reads_back_as_it_was_written() {
        let manifest = Manifest { models: vec![entry(b"abc")] };
        assert_eq!(toml::from_str::<Manifest>(&manifest.to_toml()).unwrap(), manifest);
    }
}
