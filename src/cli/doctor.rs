//! `cameo doctor`: what this machine has, which engine would run, and whether it computes what it should.

use std::process::ExitCode;

use cameo_device::adapter::{self, Adapter};
use cameo_models::{Manifest, Network};
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use super::args::EngineArgs;
use super::engine;

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
    let intact = show_models(&args.engine);
    let all_intact = intact.len() == Network::ALL.len();
    println!("\nEngine");
    let engine = engine::open_and_test(&args.engine, intact, 1, |line| println!("  {line}"));
    if let Err(error) = &engine {
        println!("  FAILED: {error}");
    }
    if all_intact && engine.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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

/// Checks and prints the hash of each model. Returns the networks whose models are intact.
fn show_models(args: &EngineArgs) -> Vec<Network> {
    let folder = args.models_folder();
    println!("\nModels in {}", folder.display());
    let manifest = match Manifest::read(&folder) {
        Ok(manifest) => manifest,
        Err(error) => {
            println!("  {error}");
            return Vec::new();
        }
    };
    let is_intact = |network: &Network| match manifest
        .entry(*network)
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
    Network::ALL.into_iter().filter(is_intact).collect()
}
