//! Which engine runs, and the one thread that owns it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use cameo_device::adapter::{self, Adapter};
use cameo_models::Network;

use crate::config::{Device, EngineArgs};
use crate::cpu::CpuEngine;
use crate::error::{Error, Result};
use crate::gpu::GpuEngine;
use crate::pipeline::{self, Engine, Parcel, Recipe};

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

/// Work for the engine and where its result goes.
type Job = (Parcel, Recipe, Sender<Result<Parcel>>);

/// An engine on a thread of its own. Clones share it.
#[derive(Debug, Clone)]
pub struct Handle {
    jobs: Sender<Job>,
    pub name: &'static str,
}

impl Handle {
    /// Opens the engine that `args` ask for, says on standard error which one it is, and loads `network` if one will
    /// be needed.
    ///
    /// # Errors
    /// If there is no such engine, it cannot be opened, or the network cannot be loaded.
    pub fn open(args: &EngineArgs, network: Option<Network>) -> Result<Self> {
        let (choice, line) = choose(args)?;
        let models = args.models_folder();
        let on_cpu = models.clone();
        let cpu = move || Self::start(move || Ok(CpuEngine::new(&on_cpu)), network);
        let opened = match choice {
            Choice::Cpu => cpu(),
            Choice::Gpu(adapter) => match Self::start(move || GpuEngine::new(&adapter, &models), network) {
                // A driver that fails is no reason to fail where the CPU would do.
                Err(error @ Error::Engine { .. }) if args.device == Device::Auto => {
                    eprintln!("cameo: running on the CPU: {error}");
                    return cpu();
                }
                opened => opened,
            },
        };
        if opened.is_ok() {
            eprintln!("cameo: {line}");
        }
        opened
    }

    fn start<E: Engine>(open: impl FnOnce() -> Result<E> + Send + 'static, network: Option<Network>) -> Result<Self> {
        let (jobs, inbox) = channel();
        let (ready, opened) = channel();
        let spawned = thread::Builder::new().name("cameo-engine".into()).spawn(move || {
            let open = || {
                let mut engine = open()?;
                network.map_or(Ok(()), |network| engine.load(network))?;
                Ok(engine)
            };
            let engine = catch_unwind(AssertUnwindSafe(open)).unwrap_or_else(|panic| Err(panicked(panic)));
            match engine {
                Ok(engine) => {
                    // Nobody waits only if the process is ending.
                    let _ = ready.send(Ok(engine.name()));
                    serve(engine, &inbox);
                }
                Err(error) => {
                    let _ = ready.send(Err(error));
                }
            }
        });
        spawned.map_err(ended)?;
        let name = opened.recv().map_err(ended)??;
        Ok(Self { jobs, name })
    }

    /// The road's middle, on the engine; waits for its turn.
    pub fn road(&self, parcel: Parcel, recipe: &Recipe) -> Result<Parcel> {
        let (reply, result) = channel();
        self.jobs.send((parcel, recipe.clone(), reply)).map_err(ended)?;
        result.recv().map_err(ended)?
    }
}

/// Runs jobs until the last handle is dropped.
fn serve<E: Engine>(mut engine: E, inbox: &Receiver<Job>) {
    while let Ok((parcel, recipe, reply)) = inbox.recv() {
        // burn and wgpu panic when a device is lost or out of memory; the image fails, the program does not.
        let done = catch_unwind(AssertUnwindSafe(|| pipeline::road(&mut engine, parcel, &recipe)));
        let _ = reply.send(done.unwrap_or_else(|panic| Err(panicked(panic))));
    }
}

fn panicked(panic: Box<dyn std::any::Any + Send>) -> Error {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    Error::Engine { engine: "chosen", reason: text.unwrap_or("it gave up without a reason").to_string() }
}

fn ended(error: impl ToString) -> Error {
    Error::Engine { engine: "chosen", reason: format!("its thread has ended: {}", error.to_string()) }
}
