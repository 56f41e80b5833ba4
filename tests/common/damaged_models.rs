//! Weights that load and are wrong.

use std::fs;
use std::path::{Path, PathBuf};

use cameo_models::manifest::{MANIFEST, hex_sha256};
use cameo_models::{Manifest, Network};

/// Writes a models folder to `folder` with `networks` alone. The weights of `damaged` are wrong, but their hash is not.
pub fn write(models: &Path, folder: &Path, networks: &[Network], damaged: Network) -> PathBuf {
    let mut manifest = Manifest::read(models).unwrap();
    manifest.models.retain(|entry| networks.contains(&entry.network));
    for entry in &mut manifest.models {
        let mut bytes = fs::read(models.join(&entry.file)).unwrap();
        if entry.network == damaged {
            // The second half of the file has only numbers: some of their bits are inverted.
            let numbers = bytes.len() / 2 / 2 * 2;
            bytes[numbers..].chunks_exact_mut(2).for_each(|number| number[1] ^= 0x80);
            entry.sha256 = hex_sha256(&bytes);
        }
        fs::write(folder.join(&entry.file), bytes).unwrap();
    }
    fs::write(folder.join(MANIFEST), manifest.to_toml()).unwrap();
    folder.to_path_buf()
}
