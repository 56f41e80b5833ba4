//! `cameo doctor`: what this machine has, which engine would run, and whether it computes what it should.

use std::process::ExitCode;

use cameo_device::adapter::{self, Adapter};
use cameo_models::{Manifest, Network};

use super::{engine, plan};
use crate::config::EngineArgs;
use crate::error::Result;
use crate::pipeline;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    engine: EngineArgs,
    /// Print instead what a 12 megapixel photo asks of a GPU, stage by stage, beside the least time it could take on
    /// this one
    #[arg(long, value_name = "GPU", num_args = 0..=1, default_missing_value = "l4")]
    plan: Option<plan::Card>,
    /// Network that the plan is of: isnet for quality, u2netp for speed
    #[arg(long, default_value_t = Network::IsNet, requires = "plan")]
    model: Network,
}

/// # Errors
/// None of what is found wrong stops the rest from being shown; the exit code tells if anything was.
pub fn run(args: Args) -> Result<ExitCode> {
    if let Some(card) = args.plan {
        return plan::run(&args.engine, args.model, card).map(|()| ExitCode::SUCCESS);
    }
    println!("cameo {} on {} {}", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("\nProcessor\n  {cores} cores{}", memory().unwrap_or_default());
    println!("\nAdapters");
    let found = adapter::adapters();
    if found.is_empty() {
        println!("  none: no Vulkan, Metal or DirectX 12 driver was found");
    }
    found.iter().for_each(show_adapter);
    let models = show_models(&args.engine);
    println!("\nEngine");
    let engine = engine::choose(&args.engine).map(|(_, line)| println!("  {line}"));
    let test =
        engine.and_then(|()| engine::open(&args.engine, pipeline::self_test_networks(), 1, engine::on_standard_error));
    let test = test.and_then(|handle| pipeline::self_test(&handle));
    println!("\nSelf-test");
    match &test {
        Ok(line) => println!("  passed: {line}"),
        Err(error) => println!("  FAILED: {error}"),
    }
    Ok(if models && test.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The machine's memory, where the system tells it in Linux's way.
fn memory() -> Option<String> {
    let table = std::fs::read_to_string("/proc/meminfo").ok()?;
    let gib = |name: &str| {
        let line = table.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.split_whitespace().next()?.parse::<f64>().ok()? / f64::from(1 << 20))
    };
    Some(format!(", {:.1} GiB memory, {:.1} GiB of it free", gib("MemTotal:")?, gib("MemAvailable:")?))
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
        "    largest buffer {} MiB, largest binding {} MiB, workgroup memory {} KiB, {} invocations a workgroup",
        mib(limits.max_buffer_size),
        mib(limits.max_storage_buffer_binding_size),
        limits.max_compute_workgroup_storage_size >> 10,
        limits.max_compute_invocations_per_workgroup
    );
    println!(
        "    kernels are compiled {}",
        if adapter.is_software() { "from WGSL" } else { "to SPIR-V where the driver takes it" }
    );
}

/// Shows the hash of each model; false if one is not what it should be.
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
    let check = |network: Network| match manifest.entry(network).and_then(|entry| entry.open(&folder).map(|_| entry)) {
        Ok(entry) => {
            println!("  {network}: {} bytes, SHA-256 {} as it should be", entry.bytes, entry.sha256);
            true
        }
        Err(error) => {
            println!("  {network}: {error}");
            false
        }
    };
    Network::ALL.map(check).into_iter().all(|good| good)
}
