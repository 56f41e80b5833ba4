//! Which engine runs.

use cameo_device::adapter::{self, Adapter};
use cameo_models::Network;

use crate::config::{Device, EngineArgs};
use crate::cpu::CpuEngine;
use crate::error::{Error, Result};
use crate::gpu::GpuEngine;
use crate::pipeline::Handle;

/// What was chosen, before it is opened.
#[derive(Debug)]
pub enum Choice {
    Gpu(Box<Adapter>),
    Cpu,
}

/// The engine that `args` ask for, and why in one line.
///
/// # Errors
/// [`Error::NoDevice`] if a GPU was asked for and there is none to take.
pub fn choose(args: &EngineArgs) -> Result<(Choice, String)> {
    if args.device == Device::Cpu {
        return Ok((Choice::Cpu, "running on the CPU, as asked".into()));
    }
    let found = adapter::adapters();
    // What the user did not ask for by name is never a software adapter.
    let allow_software = args.allow_software && args.device == Device::Gpu;
    match adapter::choose(&found, allow_software) {
        Ok(adapter) => Ok((Choice::Gpu(Box::new(adapter.clone())), format!("running on {}", adapter.describe()))),
        Err(error) if args.device == Device::Gpu => Err(Error::NoDevice(error)),
        Err(_) => {
            let reason = match found.first() {
                Some(adapter) => format!("no GPU was found, only {}", adapter.describe()),
                None => "no GPU was found".into(),
            };
            Ok((Choice::Cpu, format!("running on the CPU: {reason}")))
        }
    }
}

/// Opens the engine that `args` ask for, for so many `photos`, says which one it is, and loads `networks`.
///
/// # Errors
/// If there is no such engine, it cannot be opened, or a network cannot be loaded.
pub fn open(args: &EngineArgs, networks: Vec<Network>, photos: usize, say: fn(&str)) -> Result<Handle> {
    let (choice, line) = choose(args)?;
    let models = args.models_folder();
    let (on_cpu, for_cpu) = (models.clone(), networks.clone());
    let cpu = move || Handle::start(move || Ok(CpuEngine::new(&on_cpu).for_photos(photos)), for_cpu);
    let opened = match choice {
        Choice::Cpu => cpu(),
        Choice::Gpu(adapter) => match Handle::start(move || GpuEngine::new(&adapter, &models), networks) {
            // A driver that fails is no reason to fail where the CPU would do.
            Err(error @ Error::Engine { .. }) if args.device == Device::Auto => {
                say(&format!("running on the CPU: {error}"));
                return cpu();
            }
            opened => opened,
        },
    };
    if opened.is_ok() {
        say(&line);
    }
    opened
}

/// For the commands that a person waits for.
pub fn on_standard_error(line: &str) {
    eprintln!("cameo: {line}");
}
