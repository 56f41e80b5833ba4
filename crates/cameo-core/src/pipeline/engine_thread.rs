//! An engine on a thread of its own. GPU work that moves between threads has produced wrong pictures elsewhere, so one
//! named thread owns the device.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use cameo_models::Network;

use super::engine::{Engine, EngineOutput};
use super::error::{EngineError, PipelineError};
use super::stages::{InFlight, run_stages};
use crate::codec::Image;

/// A decoded photo, and the channel for the engine's reply.
struct Request {
    photo: InFlight<Image>,
    reply: Sender<Result<InFlight<EngineOutput>, PipelineError>>,
}

/// A handle to an engine that runs on its own thread. Clones share the engine; the thread ends with the last clone.
#[derive(Debug, Clone)]
pub struct EngineHandle {
    requests: Sender<Request>,
    /// "cpu" or "gpu".
    pub name: &'static str,
}

impl EngineHandle {
    /// Starts the thread, opens the engine there with `open`, and loads `networks`.
    ///
    /// # Errors
    /// [`EngineError`] if the engine cannot be opened, or a network cannot be loaded.
    pub fn start<E: Engine>(
        open: impl FnOnce() -> Result<E, EngineError> + Send + 'static,
        networks: Vec<Network>,
    ) -> Result<Self, EngineError> {
        let (requests, inbox) = channel();
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
                    // The receiver is gone only if the process is ending.
                    let _ = ready.send(Ok(engine.name()));
                    serve(engine, &inbox);
                }
                Err(error) => {
                    let _ = ready.send(Err(error));
                }
            }
        });
        spawned.map_err(|error| device_error(format!("its thread could not be started: {error}")))?;
        let name = opened.recv().map_err(|_| thread_ended())??;
        Ok(Self { requests, name })
    }

    /// Runs the engine's stages on `photo`; waits for its turn and for the result.
    ///
    /// # Errors
    /// As [`run_stages`](super::run_stages).
    pub fn run_stages(&self, photo: InFlight<Image>) -> Result<InFlight<EngineOutput>, PipelineError> {
        let (reply, result) = channel();
        self.requests.send(Request { photo, reply }).map_err(|_| thread_ended())?;
        result.recv().map_err(|_| thread_ended())?
    }
}

/// Answers requests until the last handle is dropped.
fn serve<E: Engine>(mut engine: E, inbox: &Receiver<Request>) {
    while let Ok(Request { photo, reply }) = inbox.recv() {
        // burn and wgpu panic when a device is lost or out of memory. That fails the photo, not the process.
        let result = catch_unwind(AssertUnwindSafe(|| run_stages(&mut engine, photo)));
        // The receiver is gone if nobody waits for this photo any more.
        let _ = reply.send(result.unwrap_or_else(|panic| Err(panicked(panic).into())));
    }
}

fn device_error(reason: String) -> EngineError {
    EngineError::Device { engine: "chosen", reason }
}

fn panicked(panic: Box<dyn Any + Send>) -> EngineError {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    device_error(text.unwrap_or("it panicked without a message").to_string())
}

fn thread_ended() -> EngineError {
    device_error("its thread has ended".into())
}
