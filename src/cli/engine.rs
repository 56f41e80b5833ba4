//! The choice of an engine, opening it, and what happens if it computes something wrong.

use cameo_core::pipeline::{self, Engine, EngineError, EngineHandle, NetworkCheck, NetworkRunner, Precision};
use cameo_cpu::CpuEngine;
use cameo_device::adapter::{self, Adapter};
use cameo_gpu::GpuEngine;
use cameo_models::Network;

use super::args::{Device, EngineArgs};
use super::error::{CliError, Result};

/// The engine that will be opened.
#[derive(Debug)]
pub enum Choice {
    Gpu(Box<Adapter>),
    Cpu,
}

/// Chooses the engine that `args` ask for. Returns it with the reason in one line.
///
/// # Errors
/// [`CliError::NoDevice`] if a GPU was asked for and there is none.
pub fn choose(args: &EngineArgs) -> Result<(Choice, String)> {
    if args.device == Device::Cpu {
        return Ok((Choice::Cpu, "running on the CPU because of --device cpu".into()));
    }
    let adapters = adapter::adapters();
    // A software adapter is used only if the user names it.
    let allow_software = args.allow_software && args.device == Device::Gpu;
    match adapter::choose(&adapters, allow_software) {
        Ok(adapter) => Ok((Choice::Gpu(Box::new(adapter.clone())), format!("running on {}", adapter.describe()))),
        Err(error) if args.device == Device::Gpu => Err(CliError::NoDevice(error)),
        Err(_) => {
            let reason = match adapters.first() {
                Some(adapter) => format!("there is no GPU, only {}", adapter.describe()),
                None => "there is no GPU".into(),
            };
            Ok((Choice::Cpu, format!("running on the CPU: {reason}")))
        }
    }
}

/// Opens the engine that `args` ask for, loads `networks`, and tells `announce` which engine it is. `photos` is the
/// expected number of photos: with many, the CPU engine prepares the weights in advance.
///
/// A GPU runs the self-test first, because its driver may be at fault. With `--device auto`, a GPU that cannot be opened
/// or fails the test is replaced by the CPU.
///
/// # Errors
/// If there is no such engine, it cannot be opened, a network cannot be loaded, or the self-test fails.
pub fn open(args: &EngineArgs, networks: Vec<Network>, photos: usize, announce: fn(&str)) -> Result<EngineHandle> {
    open_engine(args, networks, photos, TestedEngines::Gpu, announce)
}

/// Opens an engine as [`open`] does. Any engine runs the self-test, and what it found of each network is announced.
///
/// # Errors
/// As [`open`].
pub fn open_and_test(
    args: &EngineArgs,
    networks: Vec<Network>,
    photos: usize,
    announce: fn(&str),
) -> Result<EngineHandle> {
    open_engine(args, networks, photos, TestedEngines::All, announce)
}

/// Which engines run the self-test.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TestedEngines {
    Gpu,
    All,
}

fn open_engine(
    args: &EngineArgs,
    networks: Vec<Network>,
    photos: usize,
    tested: TestedEngines,
    announce: fn(&str),
) -> Result<EngineHandle> {
    let (choice, reason) = choose(args)?;
    let models = args.models_folder();
    let report = move |check: &NetworkCheck| {
        // A person who waits for a photo wants to know what changes only.
        if tested == TestedEngines::All || uses_f32_instead(check) {
            announce(&verdict(check));
        }
    };
    let open_cpu = {
        let (models, networks) = (models.clone(), networks.clone());
        move || {
            let open = move || Ok(CpuEngine::new(&models).with_expected_photos(photos));
            match tested {
                TestedEngines::Gpu => EngineHandle::start(open, networks),
                TestedEngines::All => start_tested(open, networks, report),
            }
        }
    };
    match choice {
        Choice::Cpu => {
            let engine = open_cpu()?;
            announce(&reason);
            Ok(engine)
        }
        Choice::Gpu(adapter) => {
            let name = adapter.describe();
            let gpu = start_tested(move || GpuEngine::new(&adapter, &models), networks, report);
            gpu_or_cpu(args.device, &name, gpu, open_cpu, announce)
        }
    }
}

/// Starts an engine that runs the self-test of `networks` before anything else.
fn start_tested<E: Engine + NetworkRunner>(
    open: impl FnOnce() -> std::result::Result<E, EngineError> + Send + 'static,
    networks: Vec<Network>,
    report: impl FnMut(&NetworkCheck) + Send + 'static,
) -> std::result::Result<EngineHandle, EngineError> {
    let tested = networks.clone();
    let open = move || {
        let mut engine = open()?;
        pipeline::self_test(&mut engine, &tested, report)?;
        Ok(engine)
    };
    EngineHandle::start(open, networks)
}

/// Returns the engine of the GPU `adapter`. If it could not be started, returns that of the CPU where `device` allows it.
fn gpu_or_cpu(
    device: Device,
    adapter: &str,
    gpu: std::result::Result<EngineHandle, EngineError>,
    open_cpu: impl FnOnce() -> std::result::Result<EngineHandle, EngineError>,
    announce: impl FnOnce(&str),
) -> Result<EngineHandle> {
    match gpu {
        Ok(engine) => {
            announce(&format!("running on {adapter}"));
            Ok(engine)
        }
        // The CPU would need the same models.
        Err(error @ EngineError::Model(_)) => Err(error.into()),
        Err(error) if device == Device::Auto => {
            announce(&format!("running on the CPU instead of {adapter}: {error}"));
            Ok(open_cpu()?)
        }
        Err(error @ EngineError::SelfTest(_)) => Err(CliError::WrongGpu { adapter: adapter.into(), error }),
        Err(error) => Err(error.into()),
    }
}

/// Returns whether the network of `check` will be checked again in f32.
fn uses_f32_instead(check: &NetworkCheck) -> bool {
    !check.passed() && check.precision != Precision::F32
}

/// Returns what was found of a network in one line.
fn verdict(check: &NetworkCheck) -> String {
    match check.passed() {
        true => format!("{check}: passed ({:.2} s)", check.seconds),
        false if uses_f32_instead(check) => format!("{check}: using f32"),
        false => format!("{check}: FAILED"),
    }
}

/// Announces the engine on standard error, for commands that a person waits for.
pub fn announce_on_stderr(line: &str) {
    eprintln!("cameo: {line}");
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn open_cpu() -> std::result::Result<EngineHandle, EngineError> {
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
        start_tested(move || Ok(CpuEngine::new(&models)), vec![Network::Selfie], |_| ())
    }

    fn failed() -> std::result::Result<EngineHandle, EngineError> {
        Err(EngineError::SelfTest("isnet (f32) differs".into()))
    }

    #[test]
    fn a_gpu_that_fails_its_self_test_is_replaced_by_the_cpu_and_named() {
        let mut announced = String::new();
        let engine = gpu_or_cpu(Device::Auto, "NVIDIA L4", failed(), open_cpu, |line| announced = line.into()).unwrap();
        assert_eq!(engine.name, "cpu");
        let expected = "running on the CPU instead of NVIDIA L4: the self-test failed: isnet (f32) differs";
        assert_eq!(announced, expected);
    }

    #[test]
    fn a_gpu_that_was_asked_for_is_not_replaced() {
        let announce = |line: &str| panic!("{line}");
        let error = gpu_or_cpu(Device::Gpu, "NVIDIA L4", failed(), open_cpu, announce).unwrap_err().to_string();
        assert!(error.contains("isnet (f32) differs") && error.contains("use --device cpu"), "{error}");
    }

    #[test]
    fn models_that_are_missing_are_not_looked_for_by_another_engine() {
        let open = || Ok(CpuEngine::new(Path::new("no folder")));
        let gpu = start_tested(open, vec![Network::Selfie], |_| ());
        let announce = |line: &str| panic!("{line}");
        assert!(gpu_or_cpu(Device::Auto, "NVIDIA L4", gpu, open_cpu, announce).is_err());
    }
}
