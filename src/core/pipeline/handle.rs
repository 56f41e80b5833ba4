//! An engine on a thread of its own: work hopping between threads has given wrong pictures elsewhere.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use cameo_models::Network;

use super::{Engine, Parcel, Reading, Recipe, road};
use crate::codec::Image;
use crate::error::{Error, Result};

/// Work for the engine and where its result goes.
type Job = (Parcel<Image>, Recipe, Sender<Result<Parcel<Reading>>>);

/// An engine on a thread of its own. Clones share it.
#[derive(Debug, Clone)]
pub struct Handle {
    jobs: Sender<Job>,
    /// "cpu" or "gpu".
    pub name: &'static str,
}

impl Handle {
    /// Opens an engine on its thread and loads `networks` there.
    ///
    /// # Errors
    /// If it cannot be opened, or a network cannot be loaded.
    pub fn start<E: Engine>(open: impl FnOnce() -> Result<E> + Send + 'static, networks: Vec<Network>) -> Result<Self> {
        let (jobs, inbox) = channel();
        let (ready, opened) = channel();
        let spawned = thread::Builder::new().name("cameo-engine".into()).spawn(move || {
            let open = || {
                let mut engine = open()?;
                networks.into_iter().try_for_each(|network| engine.load(network))?;
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
    pub fn road(&self, parcel: Parcel<Image>, recipe: &Recipe) -> Result<Parcel<Reading>> {
        let (reply, result) = channel();
        self.jobs.send((parcel, recipe.clone(), reply)).map_err(ended)?;
        result.recv().map_err(ended)?
    }
}

/// Runs jobs until the last handle is dropped.
fn serve<E: Engine>(mut engine: E, inbox: &Receiver<Job>) {
    while let Ok((parcel, recipe, reply)) = inbox.recv() {
        // burn and wgpu panic when a device is lost or out of memory; the image fails, the program does not.
        let done = catch_unwind(AssertUnwindSafe(|| road(&mut engine, parcel, &recipe)));
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
