//! The reader of weights files, with a module of one convolution.

#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use burn::module::{Module, Param, ParamId};
use burn::tensor::{Device, Tensor};
use cameo_models::{ModelEntry, Network};
use libfuzzer_sys::fuzz_target;

#[path = "../../crates/cameo-matting/src/weights.rs"]
mod weights;

#[derive(Module, Debug)]
struct Conv {
    weight: Param<Tensor<4>>,
    bias: Param<Tensor<1>>,
}

#[derive(Module, Debug)]
struct OneConv {
    first: Conv,
}

fn network(device: &Device) -> OneConv {
    let weight = |device: &Device, _| Tensor::zeros([1, 3, 3, 3], device);
    let bias = |device: &Device, _| Tensor::zeros([1], device);
    let first = Conv {
        weight: Param::uninitialized(ParamId::new(), weight, device.clone(), false, [1, 3, 3, 3].into()),
        bias: Param::uninitialized(ParamId::new(), bias, device.clone(), false, [1].into()),
    };
    OneConv { first }
}

fn entry() -> ModelEntry {
    ModelEntry {
        network: Network::U2NetP,
        file: String::new(),
        sha256: String::new(),
        bytes: 0,
        dtype: "f32".into(),
        size: 320,
        mean: [0.0; 3],
        std: [1.0; 3],
        source: String::new(),
        source_sha256: String::new(),
        licence: String::new(),
        origin: String::new(),
    }
}

/// The file of the process that holds the weights.
fn path() -> &'static PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| tempfile::tempdir().expect("a folder for temporary files").keep().join("weights.safetensors"))
}

fuzz_target!(|file: &[u8]| {
    fs::write(path(), file).expect("a file for the weights");
    let device = Device::default();
    if let Ok(network) = weights::load_weights(network(&device), &entry(), path()) {
        assert_eq!(network.first.weight.val().dims(), [1, 3, 3, 3]);
        assert_eq!(network.first.bias.val().dims(), [1]);
    }
});
