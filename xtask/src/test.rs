//! `cargo xtask test`: installs what the tests need, or says what is missing, then runs every test. If `CI` is set, it
//! also checks the format, the lints, the documentation and the dependencies' licences.
//!
//! The tests of the GPU engine run on lavapipe, Mesa's Vulkan driver for the CPU, on every machine, so that results do
//! not depend on the machine's GPU.

use std::path::{Path, PathBuf};

use crate::process::{cargo, run};
use crate::{corpus, deny, fuzz, gpu_kit, install, project_folder, python, quality};

/// The packages that the service's tests use: the HTTP client of the examples, and a generator of requests from the
/// OpenAPI document.
const PYTHON_PACKAGES: [&str; 2] = ["requests==2.34.2", "schemathesis==4.32.5"];

pub fn test() -> Result<(), String> {
    install::lavapipe()?;
    install::tools()?;
    let python = python::with("service", &PYTHON_PACKAGES)?;
    let ci = std::env::var_os("CI").is_some();
    // xtask is a workspace of its own, and so is fuzz, whose build fails on warnings.
    let workspaces = [project_folder(), project_folder().join("xtask")];
    if ci {
        for folder in workspaces.iter().chain([&project_folder().join("fuzz")]) {
            run(cargo(folder).args(["fmt", "--all", "--check"]))?;
        }
    }
    for folder in workspaces.iter().rev() {
        let mut tests = cargo(folder);
        tests.args(["test", "--release", "--workspace", "--no-fail-fast"]).env("CAMEO_TEST_PYTHON", &python);
        run(&mut tests)?;
    }
    test_with_sanitizer()?;
    gpu_kit::test()?;
    match fuzz::is_supported() {
        true => fuzz::fuzz(&fuzz::FuzzArgs::QUICK)?,
        false => println!("SKIPPED: the fuzz targets, because they need Linux on x86-64 or Arm64"),
    }
    match std::env::var_os("CAMEO_CORPUS") {
        Some(folder) => corpus::corpus(Path::new(&folder))?,
        None => println!("SKIPPED: the comparison of a corpus with Pillow, because CAMEO_CORPUS names no folder"),
    }
    match quality::data_folder() {
        Ok(_) => quality::quality(quality::QualityArgs::QUICK)?,
        Err(reason) => println!("SKIPPED: the quality figures, because {reason}"),
    }
    // The tests run first because their failures matter most.
    if ci { check(&workspaces) } else { Ok(()) }
}

/// Runs the checks that need no tests: lints, documentation, and dependencies.
fn check(workspaces: &[PathBuf]) -> Result<(), String> {
    for folder in workspaces {
        run(cargo(folder).args(["clippy", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    }
    for folder in workspaces {
        let mut doc = cargo(folder);
        run(doc.args(["doc", "--release", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))?;
    }
    deny::deny()
}

/// Runs the unit tests of the CPU kernels under the address sanitizer, which finds accesses out of bounds.
fn test_with_sanitizer() -> Result<(), String> {
    if !cfg!(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64"))) {
        println!("SKIPPED: the tests under the address sanitizer, because they need Linux on x86-64 or Arm64");
        return Ok(());
    }
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut tests = cargo(&project_folder());
    tests.args(["test", "--release", "--lib", "--package", "cameo-kernels", "--target", &target]);
    // The stable compiler contains the sanitizer, but accepts its flag only with RUSTC_BOOTSTRAP.
    run(tests.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", "-Zsanitizer=address"))
}
