//! `cameo doctor`, on a machine with an adapter.

use std::process::Command;

use crate::common;

#[test]
fn the_doctor_finds_the_adapter_and_writes_no_noise() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cameo"));
    command.args(["doctor", "--device=gpu", "--allow-software"]).env("CAMEO_MODELS", common::models());
    // As under ssh, cron and in containers.
    let output = command.env_remove("XDG_RUNTIME_DIR").output().unwrap();
    let (report, noise) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && report.contains("(software, Vulkan"), "{report}{noise}");
    assert!(!noise.contains("XDG_RUNTIME_DIR"), "{noise}");
    for network in ["isnet (f32)", "u2netp (f32)", "selfie (f32)"] {
        let line = report.lines().find(|line| line.contains(network)).unwrap_or_default();
        assert!(line.contains(": passed"), "{report}");
    }
}
