//! The GPU engine, on the software adapter everywhere, so that results do not depend on the machine. A machine
//! without one fails here: `cargo xtask test` installs it.
//!
//! Every output buffer starts poisoned, and every comparison has a negative control beside it.

#[path = "../common/mod.rs"]
mod common;

mod bands;
mod matte;
mod networks;
mod parity;
mod plan;
mod road;

use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};

use cameo::gpu::GpuEngine;
use cameo_device::adapter;

type Work = Box<dyn FnOnce(&mut GpuEngine) + Send>;

/// Runs `work` on the thread that owns the engine: burn opens an adapter once a process.
fn on_gpu<T: Send + 'static>(work: impl FnOnce(&mut GpuEngine) -> T + Send + 'static) -> T {
    static OWNER: OnceLock<Sender<Work>> = OnceLock::new();
    let owner = OWNER.get_or_init(|| {
        let (send, receive) = channel::<Work>();
        std::thread::spawn(move || {
            let found = adapter::adapters();
            let software = found.iter().find(|adapter| adapter.is_software());
            let software = software.expect("no software adapter: `cargo xtask test` installs lavapipe");
            let mut engine = GpuEngine::new(software, &common::models()).unwrap();
            engine.gpu.bus.poison = true;
            for work in receive {
                work(&mut engine);
            }
        });
        send
    });
    let (reply, result) = channel();
    owner
        .send(Box::new(move |engine| {
            // A test that fails must not take the engine with it.
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(engine)));
            let _ = reply.send(done);
        }))
        .expect("the engine could not be opened");
    match result.recv().expect("the engine could not be opened") {
        Ok(value) => value,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
