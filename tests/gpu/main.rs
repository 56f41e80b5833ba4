//! The GPU engine, always on the software adapter, so that results do not depend on the machine. The tests fail on a
//! machine without one: `cargo xtask test` installs it.
//!
//! Every buffer that a kernel writes is poisoned before, and every comparison has a negative control beside it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;

mod doctor;
mod layers;
mod networks;
mod parity;
mod pipeline;
mod roofline;
mod row_bands;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};

use cameo_device::adapter;
use cameo_gpu::GpuEngine;

type Job = Box<dyn FnOnce(&mut GpuEngine) + Send>;

/// Runs `job` on the thread that owns the engine, which all tests of the process share.
fn on_gpu<T: Send + 'static>(job: impl FnOnce(&mut GpuEngine) -> T + Send + 'static) -> T {
    static JOBS: OnceLock<Sender<Job>> = OnceLock::new();
    let jobs = JOBS.get_or_init(|| {
        let (sender, receiver) = channel::<Job>();
        std::thread::spawn(move || {
            let mut engine = open_software_adapter();
            for job in receiver {
                job(&mut engine);
            }
        });
        sender
    });
    let (sender, receiver) = channel();
    jobs.send(Box::new(move |engine| {
        // The engine must survive a test that fails.
        let result = catch_unwind(AssertUnwindSafe(|| job(engine)));
        let _ = sender.send(result);
    }))
    .expect("the engine could not be opened");
    match receiver.recv().expect("the engine could not be opened") {
        Ok(value) => value,
        Err(panic) => resume_unwind(panic),
    }
}

fn open_software_adapter() -> GpuEngine {
    let adapters = adapter::adapters();
    let software = adapters.iter().find(|adapter| adapter.is_software());
    let software = software.expect("no software adapter: `cargo xtask test` installs lavapipe");
    let mut engine = GpuEngine::new(software, &common::models()).unwrap();
    engine.context.poison = true;
    engine
}
