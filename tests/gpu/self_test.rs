//! The self-test of the GPU engine, in the precision of a real GPU.

use std::process::Command;

use cameo_core::codec::Image;
use cameo_core::pipeline::{EngineError, NetworkCheck, NetworkRunner, Precision, self_test};
use cameo_gpu::GpuEngine;
use cameo_matting::ModelLibrary;
use cameo_models::Network;

use crate::common;
use crate::on_gpu;

#[path = "../common/damaged_models.rs"]
mod damaged_models;

/// An engine whose networks are wrong with f16 storage, and right in f32.
struct WrongWithF16<'a>(&'a mut GpuEngine);

impl NetworkRunner for WrongWithF16<'_> {
    fn run_network(&mut self, network: Network, picture: Image) -> Result<Vec<f32>, EngineError> {
        match self.precision(network) {
            Precision::F16Storage => Ok(vec![0.5; (picture.width * picture.height) as usize]),
            Precision::F32 => self.0.run_network(network, picture),
        }
    }

    fn precision(&self, network: Network) -> Precision {
        self.0.precision(network)
    }

    fn use_f32(&mut self, network: Network) {
        self.0.use_f32(network);
    }
}

/// Runs the self-test of `networks`. Returns the checks and the result.
fn test<R: NetworkRunner>(runner: &mut R, networks: &[Network]) -> (Vec<NetworkCheck>, Result<(), EngineError>) {
    let mut checks = Vec::new();
    let result = self_test(runner, networks, |check| {
        println!("{check} ({:.2} s)", check.seconds);
        checks.push(*check);
    });
    (checks, result)
}

#[test]
fn every_network_passes_with_isnet_in_f16_storage() {
    let (checks, result) = on_gpu(|engine| {
        assert!(engine.set_f16_storage(true), "the adapter does not support f16");
        let found = test(engine, &Network::ALL);
        engine.set_f16_storage(false);
        found
    });
    result.unwrap();
    let precisions: Vec<_> = checks.iter().map(|check| (check.network, check.precision)).collect();
    let f32 = [Network::U2NetP, Network::Selfie].map(|network| (network, Precision::F32));
    assert_eq!(precisions, [(Network::IsNet, Precision::F16Storage), f32[0], f32[1]]);
}

#[test]
fn isnet_runs_in_f32_if_f16_storage_is_wrong() {
    let (checks, result, precision) = on_gpu(|engine| {
        engine.set_f16_storage(true);
        let (checks, result) = test(&mut WrongWithF16(engine), &[Network::IsNet]);
        let precision = engine.precision(Network::IsNet);
        engine.set_f16_storage(false);
        (checks, result, precision)
    });
    result.unwrap();
    assert_eq!(precision, Precision::F32);
    let outcomes: Vec<_> = checks.iter().map(|check| (check.precision, check.passed())).collect();
    assert_eq!(outcomes, [(Precision::F16Storage, false), (Precision::F32, true)]);
}

#[test]
fn isnet_with_damaged_weights_fails_with_f16_storage_and_in_f32() {
    let folder = tempfile::tempdir().unwrap();
    let models = damaged_models::write(&common::models(), folder.path(), &[Network::IsNet], Network::IsNet);
    let (checks, result) = on_gpu(move |engine| {
        let device = engine.library.device().clone();
        engine.library = ModelLibrary::new(&models, device.clone());
        engine.set_f16_storage(true);
        let found = test(engine, &[Network::IsNet]);
        engine.set_f16_storage(false);
        engine.library = ModelLibrary::new(&common::models(), device);
        found
    });
    let error = result.unwrap_err().to_string();
    assert!(error.contains("self-test failed: isnet (f32)"), "{error}");
    let outcomes: Vec<_> = checks.iter().map(|check| (check.precision, check.passed())).collect();
    assert_eq!(outcomes, [(Precision::F16Storage, false), (Precision::F32, false)]);
}

#[test]
fn a_command_for_a_gpu_that_fails_the_self_test_ends_with_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let models = damaged_models::write(&common::models(), folder.path(), &[Network::U2NetP], Network::U2NetP);
    let mut command = Command::new(env!("CARGO_BIN_EXE_cameo"));
    command.args(["cutout", "--device=gpu", "--allow-software", "--model=u2netp", "--guidance=none"]);
    command.arg(common::project().join("samples/astronaut.png")).arg("-o").arg(folder.path().join("result.png"));
    let output = command.env("CAMEO_MODELS", models).output().unwrap();
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && !folder.path().join("result.png").exists(), "{messages}");
    let sentence = messages.lines().last().unwrap();
    assert!(sentence.starts_with("error: the self-test failed: u2netp (f32)"), "{messages}");
    assert!(sentence.contains("do not trust the results of") && sentence.ends_with("use --device cpu"), "{messages}");
}
