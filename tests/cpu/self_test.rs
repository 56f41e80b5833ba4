//! The self-test on the CPU, in the process and in the program.

use cameo_core::pipeline::{Precision, self_test};
use cameo_cpu::CpuEngine;
use cameo_models::Network;
use cameo_service::worker::EXIT_ENGINE;

use crate::command_line::{cameo, command, finish};
use crate::common;

#[path = "../common/damaged_models.rs"]
mod damaged_models;

#[test]
fn every_network_passes() {
    let mut checks = Vec::new();
    self_test(&mut CpuEngine::new(&common::models()), &Network::ALL, |check| checks.push(*check)).unwrap();
    checks.iter().for_each(|check| println!("{check} ({:.2} s)", check.seconds));
    let passed: Vec<_> = checks.iter().map(|check| (check.network, check.precision)).collect();
    assert_eq!(passed, Network::ALL.map(|network| (network, Precision::F32)));
}

#[test]
fn each_network_with_damaged_weights_fails() {
    for network in Network::ALL {
        let folder = tempfile::tempdir().unwrap();
        let models = damaged_models::write(&common::models(), folder.path(), &[network], network);
        let mut checks = Vec::new();
        let result = self_test(&mut CpuEngine::new(&models), &[network], |check| checks.push(*check));
        println!("{checks:?}");
        assert!(result.unwrap_err().to_string().contains(network.name()));
    }
}

#[test]
fn the_doctor_has_a_line_for_each_network() {
    let folder = tempfile::tempdir().unwrap();
    let run = cameo(folder.path(), &["doctor"]);
    let report = String::from_utf8(run.stdout).unwrap();
    assert_eq!(run.code, 0, "{report}{}", run.stderr);
    for network in Network::ALL {
        let line = report.lines().find(|line| line.contains(&format!("{network} (f32) differs"))).unwrap_or_default();
        assert!(line.contains("/255 on average: passed"), "{report}");
    }
}

#[test]
fn the_doctor_shows_all_networks_when_one_fails() {
    let folder = tempfile::tempdir().unwrap();
    let networks = [Network::Selfie, Network::U2NetP];
    let models = damaged_models::write(&common::models(), folder.path(), &networks, Network::U2NetP);
    let run = finish(command(folder.path(), &["doctor"]).env("CAMEO_MODELS", models).output().unwrap());
    let report = String::from_utf8(run.stdout).unwrap();
    assert_eq!(run.code, 1, "{report}");
    let has = |start: &str, end: &str| report.lines().any(|line| line.trim().starts_with(start) && line.contains(end));
    assert!(has("u2netp (f32) differs", ": FAILED") && has("selfie (f32) differs", ": passed"), "{report}");
    assert!(has("FAILED: the self-test failed: u2netp", "") && has("isnet:", "has no entry"), "{report}");
}

#[test]
fn a_worker_that_fails_the_self_test_ends_before_it_is_ready() {
    let folder = tempfile::tempdir().unwrap();
    let models = damaged_models::write(&common::models(), folder.path(), &Network::ALL, Network::Selfie);
    // Its standard input is closed, so a supervised worker would end as soon as it is ready.
    let mut worker = command(folder.path(), &["work", "--data=data", "--supervised"]);
    let run = finish(worker.env("CAMEO_MODELS", models).output().unwrap());
    let log = run.stderr;
    assert_eq!(run.code, EXIT_ENGINE, "{log}");
    assert!(log.contains("the engine cannot be used") && log.contains("the self-test failed: selfie (f32)"), "{log}");
}
