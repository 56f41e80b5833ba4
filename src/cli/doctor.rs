//! `cameo doctor`: what this machine has, which engine would run, and whether it computes what it should.

use std::process::ExitCode;

use cameo_core::pipeline;
use cameo_device::adapter::{self, Adapter};
use cameo_models::{Manifest, Network};
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use super::args::EngineArgs;
use super::engine;
use super::error::Result;

#[derive(Debug, clap::Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    engine: EngineArgs,
}

/// Prints everything that can be found out. A problem does not stop the rest from being shown; the exit code tells
/// whether there was any.
pub fn run(args: DoctorArgs) -> ExitCode {
    println!("cameo {} on {} {}", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
    show_processor();
    show_adapters();
    let models_are_intact = show_models(&args.engine);
    println!("\nEngine");
    let choice = engine::choose(&args.engine).map(|(_, reason)| println!("  {reason}"));
    println!("\nSelf-test");
    let result = choice.and_then(|()| self_test(&args.engine));
    match &result {
        Ok(line) => println!("  passed: {line}"),
        Err(error) => println!("  FAILED: {error}"),
    }
    if models_are_intact && result.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn self_test(args: &EngineArgs) -> Result<String> {
    let engine = engine::open(args, pipeline::self_test_networks(), 1, engine::announce_on_stderr)?;
    Ok(pipeline::self_test(&engine)?)
}

fn show_processor() {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let system =
        System::new_with_specifics(RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram()));
    let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
    println!(
        "\nProcessor\n  {cores} cores, {:.1} GiB memory, {:.1} GiB of it free",
        gib(system.total_memory()),
        gib(system.available_memory())
    );
}

fn show_adapters() {
    println!("\nAdapters");
    let adapters = adapter::adapters();
    if adapters.is_empty() {
        println!("  none: there is no Vulkan, Metal or DirectX 12 driver");
    }
    adapters.iter().for_each(show_adapter);
}

fn show_adapter(adapter: &Adapter) {
    let limits = &adapter.limits;
    let mib = |bytes: u64| bytes >> 20;
    println!("  {}", adapter.describe());
    println!(
        "    kind {:?}, vendor {:#06x}, device {:#06x}",
        adapter.info.device_type, adapter.info.vendor, adapter.info.device
    );
    println!(
        "    largest buffer {} MiB, largest binding {} MiB, workgroup memory {} KiB, {} invocations per workgroup",
        mib(limits.max_buffer_size),
        mib(limits.max_storage_buffer_binding_size),
        limits.max_compute_workgroup_storage_size >> 10,
        limits.max_compute_invocations_per_workgroup
    );
}

/// Checks and prints the hash of each model. Returns whether all are intact.
fn show_models(args: &EngineArgs) -> bool {
    let folder = args.models_folder();
    println!("\nModels in {}", folder.display());
    let manifest = match Manifest::read(&folder) {
        Ok(manifest) => manifest,
        Err(error) => {
            println!("  {error}");
            return false;
        }
    };
    let check = |network: Network| match manifest
        .entry(network)
        .and_then(|entry| entry.verified_path(&folder).map(|_| entry))
    {
        Ok(entry) => {
            println!("  {network}: {} bytes, SHA-256 {} matches the manifest", entry.bytes, entry.sha256);
            true
        }
        Err(error) => {
            println!("  {network}: {error}");
            false
        }
    };
    // All are shown, even after a bad one.
    Network::ALL.map(check).into_iter().all(|intact| intact)
}
