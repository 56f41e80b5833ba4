//! `cameo doctor --plan`: what a photo asks of a GPU, stage by stage, and the least time that takes.

use std::sync::{Arc, Mutex, PoisonError};

use cameo_models::Network;

use super::engine::{self, Choice};
use crate::codec::{self, Format, Image};
use crate::config::EngineArgs;
use crate::error::{Error, Result};
use crate::gpu::GpuEngine;
use crate::gpu::bus::Traffic;
use crate::pipeline::{self, Bounds, CutoutOptions, Job, Recipe};

/// Pixels a side of the photo: 12 megapixels, as most cameras make them.
const PHOTO: [u32; 2] = [4000, 3000];

/// A GPU, by what its maker says of it.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Card {
    /// NVIDIA T4
    T4,
    /// NVIDIA L4
    L4,
    /// NVIDIA GeForce RTX 3060
    Rtx3060,
    /// NVIDIA GeForce RTX 4090
    Rtx4090,
    /// AMD Radeon RX 7600
    Rx7600,
    /// Intel Arc A770
    ArcA770,
    /// Apple M2, its GPU of 10 cores
    M2,
}

impl Card {
    /// Its name, its memory's bandwidth in GB/s, and its peak in f32 outside matrix hardware, in TFLOP/s; from the
    /// makers' data sheets.
    fn facts(self) -> (&'static str, f64, f64) {
        match self {
            Card::T4 => ("NVIDIA T4", 320.0, 8.1),
            Card::L4 => ("NVIDIA L4", 300.0, 30.3),
            Card::Rtx3060 => ("NVIDIA GeForce RTX 3060", 360.0, 12.7),
            Card::Rtx4090 => ("NVIDIA GeForce RTX 4090", 1008.0, 82.6),
            Card::Rx7600 => ("AMD Radeon RX 7600", 288.0, 21.5),
            Card::ArcA770 => ("Intel Arc A770", 560.0, 19.7),
            Card::M2 => ("Apple M2", 100.0, 3.6),
        }
    }
}

/// What had crossed and what was held when a stage began.
type Marks = Arc<Mutex<Vec<(&'static str, Traffic, u64)>>>;

/// Runs a photo through `network` on the adapter that `args` choose, and prints what it asked for.
///
/// # Errors
/// [`Error::NoDevice`] if there is no adapter to run it on.
pub fn run(args: &EngineArgs, network: Network, card: Card) -> Result<()> {
    let Choice::Gpu(adapter) = engine::choose(args)?.0 else {
        return Err(Error::NoDevice(
            "a plan is counted as a GPU runs: use --device gpu, with --allow-software where there is none".into(),
        ));
    };
    let cutout = CutoutOptions { model: network, ..Default::default() };
    let recipe = Recipe { cutout, ..Recipe::new(Job::Combo) };
    let mut engine = GpuEngine::new(&adapter, &args.models_folder())?;
    let (meter, pool) = (engine.gpu.bus.meter(), engine.gpu.bus.pool.clone());
    // The weights are made ready once, by the first photo; counted is a later one.
    let small = photo([512, 512])?;
    pipeline::run(&mut engine, &small, &recipe, &Bounds::default())?;
    let marks = Marks::default();
    let watch: pipeline::Watch = {
        let (marks, meter, pool) = (marks.clone(), meter.clone(), pool.clone());
        Arc::new(move |stage| {
            let mark = (stage, meter.read(), pool.take_peak());
            marks.lock().unwrap_or_else(PoisonError::into_inner).push(mark);
            Ok(())
        })
    };
    let parcel = pipeline::read(&photo(PHOTO)?, &recipe, &Bounds::default(), watch)?;
    pipeline::road(&mut engine, parcel, &recipe)?;
    let mut marks = std::mem::take(&mut *marks.lock().unwrap_or_else(PoisonError::into_inner));
    marks.push(("", meter.read(), pool.take_peak()));
    print(&marks, card, &adapter.describe(), network);
    Ok(())
}

/// A photo of no person but with much to see, as bytes.
fn photo([width, height]: [u32; 2]) -> Result<Vec<u8>> {
    let tone = |i: u32| [(i % width * 255 / width) as u8, (i / width * 255 / height) as u8, (i % 251) as u8, 255];
    let pixels = (0..width * height).flat_map(tone).collect();
    codec::encode(&Image::new(width, height, pixels), Format::Png, None)
}

fn print(marks: &[(&'static str, Traffic, u64)], card: Card, adapter: &str, network: Network) {
    let (name, bandwidth, peak) = card.facts();
    println!("A photo of {}x{}, {network}, enlarged twice; counted on {adapter}.", PHOTO[0], PHOTO[1]);
    println!(
        "Floor: the larger of bytes / bandwidth and operations / peak of {name}: {bandwidth} GB/s, {peak} TFLOP/s.\n"
    );
    println!(
        "{:<14}{:>11}{:>12}{:>13}{:>12}{:>12}",
        "stage", "dispatches", "moved, MB", "GFLOP", "held, MB", "floor, ms"
    );
    let (mut all, mut sum) = (Traffic::default(), 0.0);
    for pair in marks.windows(2) {
        let (stage, before, _) = pair[0];
        let (_, after, held) = pair[1];
        let traffic = after.since(before);
        let bus = traffic.upload_bytes + traffic.readback_bytes;
        if traffic.dispatches == 0 && bus == 0 {
            continue;
        }
        let moved = traffic.bound_bytes + bus;
        let floor = (moved as f64 / (bandwidth * 1e6)).max(traffic.operations as f64 / (peak * 1e9));
        line(stage, traffic.dispatches, moved, traffic.operations, Some(held), floor);
        all.dispatches += traffic.dispatches;
        all.bound_bytes += moved;
        all.operations += traffic.operations;
        sum += floor;
    }
    line("all", all.dispatches, all.bound_bytes, all.operations, None, sum);
    println!(
        "\nmoved: all that dispatches read or write, each byte once a dispatch, and copies over the bus. GFLOP: within\n\
         convolutions. held: buffers in use or kept for the next stage, at most, weights of our kernels among them.\n\
         Not counted: the network that finds people, which burn runs: a thousandth of the operations."
    );
}

fn line(stage: &str, dispatches: u32, moved: u64, operations: u64, held: Option<u64>, floor: f64) {
    let (moved, operations) = (moved as f64 / 1e6, operations as f64 / 1e9);
    let held = held.map_or(String::new(), |held| format!("{:.0}", held as f64 / 1e6));
    println!("{stage:<14}{dispatches:>11}{moved:>12.0}{operations:>13.2}{held:>12}{floor:>12.2}");
}
