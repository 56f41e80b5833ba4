//! The load that each stage puts on a GPU, and the shortest time in which a given GPU could carry it (roofline model:
//! Williams et al. 2009).

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use cameo_core::codec::{self, CodecError, Format, Image};
use cameo_core::pipeline::{self, CutoutOptions, Operation, Recipe, StageObserver, no_observer};
use cameo_gpu::{GpuCounters, GpuEngine};
use cameo_models::Network;

use super::error::BenchError;
use super::run::decode;

/// Width and height of the photo: 12 megapixels, which most cameras have.
const PHOTO: [u32; 2] = [4000, 3000];

/// A GPU as its maker's data sheet describes it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GpuSpec {
    /// The name on the command line.
    pub id: &'static str,
    pub name: &'static str,
    /// Memory bandwidth in GB/s.
    pub gigabytes_per_second: f64,
    /// Peak in f32 without matrix units, in TFLOP/s.
    pub teraflops: f64,
}

impl GpuSpec {
    pub const ALL: [GpuSpec; 7] = [
        Self::new("t4", "NVIDIA T4", 320.0, 8.1),
        Self::new("l4", "NVIDIA L4", 300.0, 30.3),
        Self::new("rtx3060", "NVIDIA GeForce RTX 3060", 360.0, 12.7),
        Self::new("rtx4090", "NVIDIA GeForce RTX 4090", 1008.0, 82.6),
        Self::new("rx7600", "AMD Radeon RX 7600", 288.0, 21.5),
        Self::new("arc-a770", "Intel Arc A770", 560.0, 19.7),
        // With ten cores.
        Self::new("m2", "Apple M2", 100.0, 3.6),
    ];

    const fn new(id: &'static str, name: &'static str, gigabytes_per_second: f64, teraflops: f64) -> Self {
        Self { id, name, gigabytes_per_second, teraflops }
    }

    /// Returns the shortest time for `load`, in milliseconds: that of its memory traffic or of its operations,
    /// whichever is longer.
    fn min_ms(&self, load: &StageLoad) -> f64 {
        let memory = load.moved_bytes as f64 / (self.gigabytes_per_second * 1e6);
        let compute = load.operations as f64 / (self.teraflops * 1e9);
        memory.max(compute)
    }
}

impl FromStr for GpuSpec {
    type Err = String;

    fn from_str(id: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|gpu| gpu.id == id).ok_or_else(|| {
            let ids = Self::ALL.map(|gpu| gpu.id).join(", ");
            format!("the data sheet of {id:?} is not known: use one of {ids}")
        })
    }
}

/// What a stage asks of the GPU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageLoad {
    pub stage: &'static str,
    pub dispatches: u32,
    /// Bytes that dispatches read or write, each byte once per dispatch, and bytes that are copied to or from the host.
    pub moved_bytes: u64,
    /// Multiplications and additions in convolutions.
    pub operations: u64,
    /// The most memory that buffers took, in bytes.
    pub peak_bytes: u64,
}

/// What a photo asks of a GPU, stage by stage, and the GPU that the table is computed for.
#[derive(Debug)]
pub struct Roofline {
    /// The adapter that the stages ran on.
    pub adapter: String,
    pub network: Network,
    pub gpu: GpuSpec,
    pub stages: Vec<StageLoad>,
    /// What the whole photo asked for.
    pub counters: GpuCounters,
}

/// The engine's counters at the start of a stage.
struct Mark {
    stage: &'static str,
    counters: GpuCounters,
    /// The most memory that buffers took since the previous mark, in bytes.
    peak_bytes: u64,
}

/// Runs a photo through `engine`, which runs on `adapter`, and counts what each stage asks for. The counts hold for
/// every adapter; `gpu` is the one that the shortest times are computed for.
///
/// # Errors
/// [`BenchError::Pipeline`].
pub fn roofline(
    engine: &mut GpuEngine,
    adapter: String,
    network: Network,
    gpu: GpuSpec,
) -> Result<Roofline, BenchError> {
    let cutout = CutoutOptions { model: network, ..Default::default() };
    let recipe = Recipe { cutout, ..Recipe::new(Operation::Combo) };
    let bytes = gradient(PHOTO)?;
    // The first photo transforms the weights and allocates buffers, which is not part of a photo's load.
    pipeline::run_stages(engine, decode(&recipe, &bytes, no_observer())?)?;
    let earlier = engine.context.counters.read();

    let marks = Arc::new(Mutex::new(Vec::new()));
    let mark = {
        let (marks, counters, pool) = (marks.clone(), engine.context.counters.clone(), engine.context.pool.clone());
        move |stage| {
            let mark = Mark { stage, counters: counters.read(), peak_bytes: pool.take_peak() };
            marks.lock().unwrap_or_else(PoisonError::into_inner).push(mark);
        }
    };
    let observer: StageObserver = {
        let mark = mark.clone();
        Arc::new(move |stage| {
            mark(stage);
            Ok(())
        })
    };
    let photo = decode(&recipe, &bytes, observer)?;
    pipeline::run_stages(engine, photo)?;
    mark("end");
    let marks = std::mem::take(&mut *marks.lock().unwrap_or_else(PoisonError::into_inner));
    let stages = marks.windows(2).filter_map(|pair| stage_load(&pair[0], &pair[1])).collect();
    Ok(Roofline { adapter, network, gpu, stages, counters: engine.context.counters.read().since(earlier) })
}

/// Returns the load between two marks; `None` if the stage did not use the GPU.
fn stage_load(start: &Mark, end: &Mark) -> Option<StageLoad> {
    let used = end.counters.since(start.counters);
    let copied_bytes = used.upload_bytes + used.readback_bytes;
    (used.dispatches > 0 || copied_bytes > 0).then(|| StageLoad {
        stage: start.stage,
        dispatches: used.dispatches,
        moved_bytes: used.bound_bytes + copied_bytes,
        operations: used.operations,
        peak_bytes: end.peak_bytes,
    })
}

/// Returns a picture without a person but with detail everywhere, as PNG.
fn gradient([width, height]: [u32; 2]) -> Result<Vec<u8>, CodecError> {
    let pixel = |i: u32| [(i % width * 255 / width) as u8, (i / width * 255 / height) as u8, (i % 251) as u8, 255];
    let pixels = (0..width * height).flat_map(pixel).collect();
    codec::encode(&Image::new(width, height, pixels), Format::Png, None)
}

impl fmt::Display for Roofline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Roofline { adapter, network, gpu, stages, counters } = self;
        let GpuSpec { name, gigabytes_per_second, teraflops, .. } = gpu;
        writeln!(f, "A photo of {}x{}, {network}, enlarged twice; counted on {adapter}.", PHOTO[0], PHOTO[1])?;
        writeln!(
            f,
            "Shortest time: the larger of bytes / bandwidth and operations / peak of {name} ({gigabytes_per_second} GB/s, \
             {teraflops} TFLOP/s).\n"
        )?;
        writeln!(
            f,
            "{:<14}{:>11}{:>12}{:>13}{:>12}{:>13}",
            "stage", "dispatches", "moved, MB", "GFLOP", "peak, MB", "shortest, ms"
        )?;
        for load in stages {
            let peak = format!("{:.0}", load.peak_bytes as f64 / 1e6);
            write_line(f, load, &peak, gpu.min_ms(load))?;
        }
        let total = StageLoad {
            stage: "all",
            dispatches: stages.iter().map(|load| load.dispatches).sum(),
            moved_bytes: stages.iter().map(|load| load.moved_bytes).sum(),
            operations: stages.iter().map(|load| load.operations).sum(),
            peak_bytes: 0,
        };
        write_line(f, &total, "", stages.iter().map(|load| gpu.min_ms(load)).sum())?;
        let GpuCounters { pool_misses, staging_buffers, bind_groups, submissions, waits, .. } = counters;
        writeln!(
            f,
            "\nsubmissions: {submissions}, waits: {waits}, buffers allocated: {pool_misses} for kernels, \
             {staging_buffers} for copies; bind groups created: {bind_groups}"
        )?;
        writeln!(
            f,
            "\nmoved: what dispatches read and write, each byte once per dispatch, and copies to and from the host.\n\
             GFLOP: multiplications and additions in convolutions. peak: the most memory of all buffers, including those\n\
             that are kept for the next stage and the weights of our kernels."
        )
    }
}

fn write_line(f: &mut fmt::Formatter<'_>, load: &StageLoad, peak: &str, min_ms: f64) -> fmt::Result {
    let StageLoad { stage, dispatches, moved_bytes, operations, .. } = load;
    let (megabytes, gigaflops) = (*moved_bytes as f64 / 1e6, *operations as f64 / 1e9);
    writeln!(f, "{stage:<14}{dispatches:>11}{megabytes:>12.0}{gigaflops:>13.2}{peak:>12}{min_ms:>13.2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_time_is_that_of_memory_or_of_compute() {
        let gpu: GpuSpec = "t4".parse().unwrap();
        let load = StageLoad { stage: "matte", dispatches: 1, moved_bytes: 320_000_000, operations: 0, peak_bytes: 0 };
        assert!((gpu.min_ms(&load) - 1.0).abs() < 1e-9);
        let load = StageLoad { operations: 16_200_000_000, ..load };
        assert!((gpu.min_ms(&load) - 2.0).abs() < 1e-9);
    }

    #[test]
    fn an_unknown_gpu_is_refused_with_the_known_ones() {
        let error = "gtx1060".parse::<GpuSpec>().unwrap_err();
        assert!(error.contains("gtx1060") && error.contains("arc-a770, m2"), "{error}");
        assert!(GpuSpec::ALL.into_iter().all(|gpu| gpu.id.parse() == Ok(gpu)));
    }
}
