//! The load that each stage puts on a GPU, the shortest time in which a given GPU could carry it (roofline model:
//! Williams et al. 2009), and on request the times that its kernels take.

use std::sync::{Arc, Mutex, PoisonError};

use cameo_core::pipeline::{self, CutoutOptions, Operation, Recipe, StageObserver, no_observer};
use cameo_gpu::{GpuCounters, GpuEngine, KernelTime, SharedKernelTimes};
use cameo_models::Network;
use serde::Serialize;

use super::error::BenchError;
use super::gpu_spec::GpuSpec;
use super::photo::photo;
use super::run::decode;

/// What is run, and the GPU that the shortest times are computed for.
#[derive(Debug, Clone, Copy)]
pub struct RooflineOptions {
    pub network: Network,
    /// Of the photo, in pixels. It shows the built-in portrait, and is enlarged twice.
    pub width: u32,
    pub height: u32,
    pub gpu: GpuSpec,
    /// Whether the kernels' times are measured, on how many photos.
    pub timed_photos: Option<u16>,
}

/// What a stage asks of the GPU.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageLoad {
    pub stage: &'static str,
    pub dispatches: u32,
    /// Bytes that dispatches read or write, each byte once per dispatch, and bytes that are copied to or from the host.
    pub moved_bytes: u64,
    /// Multiplications and additions in convolutions.
    pub operations: u64,
    /// The most memory that buffers took, in bytes.
    pub peak_bytes: u64,
    /// The shortest time for this load, in milliseconds.
    pub min_ms: f64,
    /// The kernels that ran, the one that took longest first; empty if no times were measured.
    pub kernels: Vec<KernelLoad>,
}

/// All dispatches of a kernel in a stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KernelLoad {
    pub kernel: &'static str,
    pub dispatches: u32,
    pub ms: f64,
    /// Bytes bound to the dispatches, each byte once per dispatch.
    pub bound_bytes: u64,
    pub operations: u64,
}

/// What a photo asks of a GPU, stage by stage.
#[derive(Debug, Serialize)]
pub struct Roofline {
    /// The adapter that the stages ran on.
    pub adapter: String,
    pub network: Network,
    pub width: u32,
    pub height: u32,
    pub gpu: GpuSpec,
    pub stages: Vec<StageLoad>,
    /// What the whole photo asked for; `None` if times were measured, which takes submissions and waits of its own.
    #[serde(skip)]
    pub counters: Option<GpuCounters>,
}

/// The engine's counters at the start of a stage.
struct Mark {
    stage: &'static str,
    counters: GpuCounters,
    /// The most memory that buffers took since the previous mark, in bytes.
    peak_bytes: u64,
    /// The times of kernels since the previous mark.
    kernel_times: Vec<KernelTime>,
}

/// Runs a photo through `engine`, which runs on `adapter`, and counts what each stage asks for. The counts hold for
/// every adapter.
///
/// # Errors
/// [`BenchError::Pipeline`], and [`BenchError::NoTimestamps`] if times are asked for that the adapter cannot measure.
pub fn roofline(engine: &mut GpuEngine, adapter: String, options: &RooflineOptions) -> Result<Roofline, BenchError> {
    let RooflineOptions { network, width, height, gpu, timed_photos } = *options;
    let cutout = CutoutOptions { model: network, ..Default::default() };
    let recipe = Recipe { cutout, ..Recipe::new(Operation::Combo) };
    let bytes = photo(width, height)?;
    // The first photo transforms the weights and allocates buffers and memory, which is not part of a photo's load.
    pipeline::encode_output(pipeline::run_stages(engine, decode(&recipe, &bytes, no_observer())?)?)?;
    let times = match timed_photos {
        Some(_) => engine.context.measure_kernels().ok_or_else(|| BenchError::NoTimestamps(adapter.clone()))?,
        None => SharedKernelTimes::default(),
    };
    let earlier = engine.context.counters.read();
    let mut runs = (0..timed_photos.unwrap_or(1))
        .map(|_| run_stages(engine, &recipe, &bytes, &times, gpu))
        .collect::<Result<Vec<_>, _>>()?;
    runs.sort_by(|one, other| total_kernel_ms(one).total_cmp(&total_kernel_ms(other)));
    let stages = runs.swap_remove(runs.len() / 2);
    let counters = timed_photos.is_none().then(|| engine.context.counters.read().since(earlier));
    Ok(Roofline { adapter, network, width, height, gpu, stages, counters })
}

/// Runs the photo once.
fn run_stages(
    engine: &mut GpuEngine,
    recipe: &Recipe,
    bytes: &[u8],
    times: &SharedKernelTimes,
    gpu: GpuSpec,
) -> Result<Vec<StageLoad>, BenchError> {
    let marks = Arc::new(Mutex::new(Vec::new()));
    let mark = {
        let (marks, counters, pool) = (marks.clone(), engine.context.counters.clone(), engine.context.pool.clone());
        let times = times.clone();
        move |stage| {
            let (counters, peak_bytes, kernel_times) = (counters.read(), pool.take_peak(), times.take());
            let mark = Mark { stage, counters, peak_bytes, kernel_times };
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
    pipeline::encode_output(pipeline::run_stages(engine, decode(recipe, bytes, observer)?)?)?;
    mark("end");
    let marks = std::mem::take(&mut *marks.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(marks.windows(2).filter_map(|pair| stage_load(&pair[0], &pair[1], gpu)).collect())
}

fn total_kernel_ms(stages: &[StageLoad]) -> f64 {
    stages.iter().map(StageLoad::kernel_ms).sum()
}

/// Returns the load between two marks; `None` if the stage did not use the GPU.
fn stage_load(start: &Mark, end: &Mark, gpu: GpuSpec) -> Option<StageLoad> {
    let used = end.counters.since(start.counters);
    let copied_bytes = used.upload_bytes + used.readback_bytes;
    let moved_bytes = used.bound_bytes + copied_bytes;
    (used.dispatches > 0 || copied_bytes > 0).then(|| StageLoad {
        stage: start.stage,
        dispatches: used.dispatches,
        moved_bytes,
        operations: used.operations,
        peak_bytes: end.peak_bytes,
        min_ms: gpu.min_ms(moved_bytes, used.operations),
        kernels: by_kernel(&end.kernel_times),
    })
}

/// Adds up the times of each kernel.
fn by_kernel(times: &[KernelTime]) -> Vec<KernelLoad> {
    let mut kernels: Vec<KernelLoad> = Vec::new();
    for &KernelTime { kernel, ms, bound_bytes, operations } in times {
        match kernels.iter_mut().find(|load| load.kernel == kernel) {
            Some(load) => {
                load.dispatches += 1;
                load.ms += ms;
                load.bound_bytes += bound_bytes;
                load.operations += operations;
            }
            None => kernels.push(KernelLoad { kernel, dispatches: 1, ms, bound_bytes, operations }),
        }
    }
    kernels.sort_by(|one, other| other.ms.total_cmp(&one.ms));
    kernels
}

impl StageLoad {
    /// Returns the sum of the times of its kernels, in milliseconds.
    pub fn kernel_ms(&self) -> f64 {
        // The sum of none would be -0.
        self.kernels.iter().fold(0.0, |sum, kernel| sum + kernel.ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dispatches_of_a_kernel_are_added_up_and_the_slowest_kernel_comes_first() {
        let time = |kernel, ms| KernelTime { kernel, ms, bound_bytes: 10, operations: 4 };
        let kernels = by_kernel(&[time("quick", 1.0), time("slow", 2.0), time("slow", 3.0)]);
        let load = |kernel, dispatches: u32, ms| KernelLoad {
            kernel,
            dispatches,
            ms,
            bound_bytes: 10 * u64::from(dispatches),
            operations: 4 * u64::from(dispatches),
        };
        assert_eq!(kernels, [load("slow", 2, 5.0), load("quick", 1, 1.0)]);
    }
}
