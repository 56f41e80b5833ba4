//! The choice of an engine, and opening it.

use cameo_core::pipeline::{EngineError, EngineHandle};
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
/// With `--device auto`, a GPU that cannot be opened is replaced by the CPU.
///
/// # Errors
/// If there is no such engine, it cannot be opened, or a network cannot be loaded.
pub fn open(args: &EngineArgs, networks: Vec<Network>, photos: usize, announce: fn(&str)) -> Result<EngineHandle> {
    let (choice, reason) = choose(args)?;
    let models = args.models_folder();
    let open_cpu = {
        let (models, networks) = (models.clone(), networks.clone());
        move || EngineHandle::start(move || Ok(CpuEngine::new(&models).with_expected_photos(photos)), networks)
    };
    let engine = match choice {
        Choice::Cpu => open_cpu()?,
        Choice::Gpu(adapter) => match EngineHandle::start(move || GpuEngine::new(&adapter, &models), networks) {
            Err(error @ EngineError::Device { .. }) if args.device == Device::Auto => {
                announce(&format!("running on the CPU: {error}"));
                return Ok(open_cpu()?);
            }
            opened => opened?,
        },
    };
    announce(&reason);
    Ok(engine)
}

/// Announces the engine on standard error, for commands that a person waits for.
pub fn announce_on_stderr(line: &str) {
    eprintln!("cameo: {line}");
}
