//! The GPU engine, on the software adapter, so that results do not depend on the machine. The tests fail on a machine
//! without one: `cargo xtask test` installs it. `CAMEO_TEST_ADAPTER=hardware` runs them on the machine's GPU instead.
//!
//! `CAMEO_TEST_DATA` names a folder with the models, samples and goldens of the project, for a machine without the
//! checkout that they were built in.
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
mod self_test;

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
            let mut engine = open_adapter();
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

fn open_adapter() -> GpuEngine {
    let adapters = adapter::adapters();
    let adapter = match std::env::var("CAMEO_TEST_ADAPTER").as_deref() {
        Err(_) | Ok("software") => {
            let software = adapters.iter().find(|adapter| adapter.is_software());
            software.expect("no software adapter: `cargo xtask test` installs lavapipe")
        }
        Ok("hardware") => adapter::choose(&adapters, false).unwrap(),
        Ok(other) => panic!("CAMEO_TEST_ADAPTER is {other:?}: use software or hardware"),
    };
    println!("the tests run on {}", adapter.describe());
    let mut engine = GpuEngine::new(adapter, &common::models()).unwrap();
    // A real GPU starts with f16 storage. The tests start in f32 on every adapter, and say where they want f16.
    engine.set_f16_storage(false);
    engine.context.poison = true;
    engine
}
