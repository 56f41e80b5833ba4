//! The table that [`Roofline`] is printed as.

use std::fmt;

use cameo_gpu::GpuCounters;

use super::gpu_spec::GpuSpec;
use super::roofline::{KernelLoad, Roofline, StageLoad};

impl fmt::Display for Roofline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Roofline { adapter, network, width, height, gpu, stages, counters } = self;
        let GpuSpec { name, gigabytes_per_second, teraflops, .. } = gpu;
        let timed = stages.iter().any(|load| !load.kernels.is_empty());
        writeln!(f, "A photo of {width}x{height}, {network}, enlarged twice; on {adapter}.")?;
        writeln!(
            f,
            "Shortest time: the larger of bytes / bandwidth and operations / peak of {name} ({gigabytes_per_second} GB/s, \
             {teraflops} TFLOP/s).\n"
        )?;
        write!(
            f,
            "{:<14}{:>11}{:>12}{:>13}{:>12}{:>13}",
            "stage", "dispatches", "moved, MB", "GFLOP", "peak, MB", "shortest, ms"
        )?;
        writeln!(f, "{}", if timed { format!("{:>13}", "kernels, ms") } else { String::new() })?;
        for load in stages {
            let peak = format!("{:.0}", load.peak_bytes as f64 / 1e6);
            write_line(f, load, &peak, timed.then(|| load.kernel_ms()))?;
        }
        let total = StageLoad {
            stage: "all",
            dispatches: stages.iter().map(|load| load.dispatches).sum(),
            moved_bytes: stages.iter().map(|load| load.moved_bytes).sum(),
            operations: stages.iter().map(|load| load.operations).sum(),
            peak_bytes: 0,
            min_ms: stages.iter().map(|load| load.min_ms).sum(),
            kernels: Vec::new(),
        };
        write_line(f, &total, "", timed.then(|| stages.iter().map(StageLoad::kernel_ms).sum()))?;
        if timed {
            write_kernels(f, stages)?;
        }
        if let Some(counters) = counters {
            let GpuCounters { pool_misses, staging_buffers, pictures, bind_groups, submissions, waits, .. } = counters;
            writeln!(
                f,
                "\nsubmissions: {submissions}, waits: {waits}, buffers allocated: {pool_misses} for kernels, \
                 {staging_buffers} for copies, {pictures} for pictures; bind groups created: {bind_groups}"
            )?;
        }
        writeln!(
            f,
            "\nmoved: what dispatches read and write, each byte once per dispatch, and copies to and from the host.\n\
             GFLOP: multiplications and additions in convolutions. peak: the most memory of all buffers, including those\n\
             that are kept for the next stage and the weights of our kernels."
        )
    }
}

fn write_line(f: &mut fmt::Formatter<'_>, load: &StageLoad, peak: &str, kernel_ms: Option<f64>) -> fmt::Result {
    let StageLoad { stage, dispatches, moved_bytes, operations, min_ms, .. } = load;
    let (megabytes, gigaflops) = (*moved_bytes as f64 / 1e6, *operations as f64 / 1e9);
    write!(f, "{stage:<14}{dispatches:>11}{megabytes:>12.0}{gigaflops:>13.2}{peak:>12}{min_ms:>13.2}")?;
    writeln!(f, "{}", kernel_ms.map_or(String::new(), |ms| format!("{ms:>13.2}")))
}

/// Writes a line for each kernel of each stage.
fn write_kernels(f: &mut fmt::Formatter<'_>, stages: &[StageLoad]) -> fmt::Result {
    let heads = ["dispatches", "ms", "GB/s", "TFLOP/s"];
    writeln!(f, "\n{:<14}{:<26}{:>11}{:>11}{:>11}{:>11}", "stage", "kernel", heads[0], heads[1], heads[2], heads[3])?;
    for load in stages {
        for KernelLoad { kernel, dispatches, ms, bound_bytes, operations } in &load.kernels {
            let (gigabytes, teraflops) = (*bound_bytes as f64 / (ms * 1e6), *operations as f64 / (ms * 1e9));
            let stage = load.stage;
            writeln!(f, "{stage:<14}{kernel:<26}{dispatches:>11}{ms:>11.3}{gigabytes:>11.1}{teraflops:>11.3}")?;
        }
    }
    Ok(())
}
