//! Which kernels compute the networks' convolutions, decided once for each adapter.
//!
//! Ours, where a GPU has no matrix hardware; where it has, burn's reach it and may be faster, so a short measurement
//! decides, and its result is kept in the user's cache folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::{Device, Distribution, Tensor, activation};
use cameo_device::Adapter;

use super::kernels::Tiling;
use super::network::{self, Kept};
use super::{Gpu, failed};
use crate::error::Result;

/// Whose kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Convolutions {
    Ours,
    Burns,
}

/// Channels and side of the convolutions that are measured: one of IS-Net's large ones, one of its deep ones.
const MEASURED: [(usize, usize); 2] = [(64, 256), (256, 64)];

/// Runs of each, after one that is not counted: the first compiles.
const RUNS: usize = 3;

/// The kernels for `adapter`. A measurement that fails decides for ours.
pub fn choose(gpu: &Gpu, tiling: Tiling<'_>, device: &Device, adapter: &Adapter) -> Convolutions {
    if !cameo_device::has_matrices(device) {
        return Convolutions::Ours;
    }
    let folder = dirs::cache_dir().map(|folder| folder.join("cameo"));
    let info = &adapter.info;
    let key = format!("{} {} {} {}", env!("CARGO_PKG_VERSION"), info.name, info.driver, info.driver_info);
    remembered(folder.as_deref(), &key, || measure(gpu, tiling, device, &MEASURED)).unwrap_or(Convolutions::Ours)
}

/// What `measure` decided for `key` when it was asked last, in `folder`; asks it if it never was.
fn remembered(
    folder: Option<&Path>,
    key: &str,
    measure: impl FnOnce() -> Result<Convolutions>,
) -> Result<Convolutions> {
    let file = folder.map(|folder| folder.join("convolutions").join(file_name(key)));
    let known = file.as_deref().and_then(|file| fs::read_to_string(file).ok());
    match known.as_deref() {
        Some("ours") => return Ok(Convolutions::Ours),
        Some("burn's") => return Ok(Convolutions::Burns),
        // Absent, or not ours to read.
        _ => {}
    }
    let found = measure()?;
    if let Some(file) = file {
        // A cache that cannot be written costs a measurement at each start, no more.
        let _ = write(&file, if found == Convolutions::Ours { "ours" } else { "burn's" });
    }
    Ok(found)
}

fn file_name(key: &str) -> PathBuf {
    key.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect::<String>().into()
}

/// Whole or not at all.
fn write(file: &Path, text: &str) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let part = tempfile::NamedTempFile::new_in(folder)?;
    fs::write(part.path(), text)?;
    part.persist(file)?;
    Ok(())
}

/// Times convolutions of each of `sizes`, channels and side, by both.
fn measure(gpu: &Gpu, tiling: Tiling<'_>, device: &Device, sizes: &[(usize, usize)]) -> Result<Convolutions> {
    let (mut ours, mut burns) = (Duration::ZERO, Duration::ZERO);
    for &(channels, side) in sizes {
        let conv: Conv2d = Conv2dConfig::new([channels, channels], [3, 3])
            .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
            .init(device);
        let image = Tensor::random([1, channels, side, side], Distribution::Default, device);
        let kept = Kept::default();
        ours += least(|| network::convolve(gpu, tiling, &kept, &conv, image.clone()).map(drop))?;
        burns += least(|| {
            drop(activation::relu(conv.forward(image.clone())));
            device.sync().map_err(failed)
        })?;
    }
    Ok(if burns < ours { Convolutions::Burns } else { Convolutions::Ours })
}

fn least(mut run: impl FnMut() -> Result<()>) -> Result<Duration> {
    run()?;
    let mut least = Duration::MAX;
    for _ in 0..RUNS {
        let since = Instant::now();
        run()?;
        least = least.min(since.elapsed());
    }
    Ok(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adapter_is_measured_once() {
        let folder = tempfile::tempdir().unwrap();
        let never = || panic!("measured again");
        for found in [Convolutions::Burns, Convolutions::Ours] {
            let key = format!("0.1 A (GPU) / {found:?}");
            assert_eq!(remembered(Some(folder.path()), &key, || Ok(found)).unwrap(), found);
            assert_eq!(remembered(Some(folder.path()), &key, never).unwrap(), found);
        }
        // Another driver is another adapter.
        assert_eq!(remembered(Some(folder.path()), "0.2", || Ok(Convolutions::Ours)).unwrap(), Convolutions::Ours);
    }

    #[test]
    fn a_cache_that_cannot_be_used_costs_a_measurement() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for folder in [Some(file.path()), None] {
            for _ in 0..2 {
                assert_eq!(remembered(folder, "k", || Ok(Convolutions::Burns)).unwrap(), Convolutions::Burns);
            }
        }
    }
}
