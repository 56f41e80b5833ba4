//! `cameo doctor`: what this machine has, which engine would run, and whether it computes what it should.

use std::process::ExitCode;
use std::time::Instant;

use cameo_device::adapter::{self, Adapter};
use cameo_models::{Manifest, Network};

use super::engine::{self, Handle};
use crate::codec;
use crate::config::EngineArgs;
use crate::error::{Error, Result};
use crate::pipeline::{self, Bounds, Job, Recipe};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    engine: EngineArgs,
}

/// A photo at U2-Net-p's own size, and what onnxruntime makes of it.
const PHOTO: &[u8] = include_bytes!("../../tests/golden/u2netp_320_input.png");
const GOLDEN: &[u8] = include_bytes!("../../tests/golden/u2netp_320.png");

/// Largest and mean difference allowed, of 255: rounding to 8 bits, and the order of sums.
const MAX_DIFFERENCE: u8 = 2;
const MEAN_DIFFERENCE: f64 = 0.05;

/// # Errors
/// None of what is found wrong stops the rest from being shown; the exit code tells if anything was.
pub fn run(args: Args) -> Result<ExitCode> {
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
    let test = engine.and_then(|()| self_test(&args.engine));
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

/// Cuts out the built-in photo and compares the matte with onnxruntime's.
fn self_test(args: &EngineArgs) -> Result<String> {
    let since = Instant::now();
    let bounds = Bounds::default();
    let recipe = Recipe { network: Network::U2NetP, ..Recipe::new(Job::Cutout) };
    let handle = Handle::open(args, Some(recipe.network))?;
    let parcel = handle.road(pipeline::read(PHOTO, &recipe, &bounds)?, &recipe)?;
    let found = codec::decode(&pipeline::write(parcel, &recipe)?.bytes, &bounds.input)?;
    let golden = codec::decode(GOLDEN, &bounds.input)?;
    let pixels = found.pixels.as_chunks::<4>().0.iter().zip(golden.pixels.as_chunks::<4>().0);
    let differences: Vec<u8> = pixels.map(|(found, golden)| found[3].abs_diff(golden[0])).collect();
    let most = differences.iter().copied().max().unwrap_or_default();
    let mean = differences.iter().map(|&difference| difference as f64).sum::<f64>() / differences.len() as f64;
    let line = format!(
        "u2netp on the {} differs from its golden by at most {most}/255, {mean:.4}/255 on average ({:.1} s)",
        handle.name,
        since.elapsed().as_secs_f64()
    );
    match most <= MAX_DIFFERENCE && mean <= MEAN_DIFFERENCE {
        true => Ok(line),
        false => Err(Error::Engine {
            engine: handle.name,
            reason: format!("{line}: do not trust its pictures, use --device cpu"),
        }),
    }
}
