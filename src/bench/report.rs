//! The results of [`measure`](super::measure()), as JSON and as a table.

use std::fmt;

use cameo_core::pipeline::Recipe;
use serde::Serialize;

use super::machine::Machine;

/// The figures of all engines, and the conditions they were measured under.
#[derive(Debug, Serialize)]
pub struct BenchReport {
    pub version: &'static str,
    pub machine: Machine,
    pub recipe: Recipe,
    /// Runs of each photo, without the warm-up.
    pub runs: u16,
    pub engines: Vec<EngineFigures>,
}

/// The figures of an engine.
#[derive(Debug, Serialize)]
pub struct EngineFigures {
    /// "cpu" or "gpu".
    pub engine: &'static str,
    /// The name of the processor or of the adapter.
    pub device: String,
    /// Time to open the engine and load its networks, once.
    pub load_ms: f64,
    pub sizes: Vec<PhotoFigures>,
}

/// The figures of a photo.
#[derive(Debug, Serialize)]
pub struct PhotoFigures {
    pub width: u32,
    pub height: u32,
    /// In the order they ran.
    pub stages: Vec<StageFigures>,
    /// The sum of the stages.
    pub total_ms: f64,
    /// The maximum of the stages.
    pub peak_mib: Option<f64>,
}

/// The figures of a stage.
#[derive(Debug, Serialize)]
pub struct StageFigures {
    pub stage: &'static str,
    /// The median over all runs.
    pub ms: f64,
    /// The fraction of the total time, 0 to 1.
    pub share: f64,
    /// The most memory of the process while the stage ran, over all runs; `None` if the system does not report it.
    pub peak_mib: Option<f64>,
}

impl fmt::Display for BenchReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BenchReport { version, machine, recipe, runs, engines } = self;
        writeln!(
            f,
            "cameo {version} on {}, {} threads, {} {}",
            machine.cpu, machine.threads, machine.os, machine.arch
        )?;
        let scale = recipe.scale.map(|scale| format!(" enlarged {scale} times")).unwrap_or_default();
        writeln!(f, "{} at level {}{scale}, median of {runs} after a warm-up", recipe.cutout.model, recipe.level)?;
        engines.iter().try_for_each(|engine| write_engine(f, engine))?;
        let has_peaks = engines.iter().flat_map(|engine| &engine.sizes).any(|photo| photo.peak_mib.is_some());
        match has_peaks {
            true => writeln!(f, "\nMiB: the most memory of the process while the stage ran"),
            false => writeln!(f, "\nMiB is empty: this system does not report the peak memory of a process"),
        }
    }
}

fn write_engine(f: &mut fmt::Formatter<'_>, figures: &EngineFigures) -> fmt::Result {
    let EngineFigures { engine, device, load_ms, sizes } = figures;
    writeln!(f, "\n{engine}: {device}, loaded in {:.2} s", load_ms / 1e3)?;
    write!(f, "{:14}", "")?;
    for PhotoFigures { width, height, .. } in sizes {
        write!(f, "{:>29}", format!("{width}x{height}"))?;
    }
    write!(f, "\n{:14}", "stage")?;
    for _ in sizes {
        write!(f, "{:>12}{:>8}{:>9}", "ms", "share", "MiB")?;
    }
    writeln!(f)?;
    let stage_count = sizes.first().map_or(0, |photo| photo.stages.len());
    for i in 0..stage_count {
        write!(f, "{:14}", sizes[0].stages[i].stage)?;
        for photo in sizes {
            let StageFigures { ms, share, peak_mib, .. } = &photo.stages[i];
            write_cells(f, *ms, *share, *peak_mib)?;
        }
        writeln!(f)?;
    }
    write!(f, "{:14}", "total")?;
    sizes.iter().try_for_each(|photo| write_cells(f, photo.total_ms, 1.0, photo.peak_mib))?;
    writeln!(f)
}

fn write_cells(f: &mut fmt::Formatter<'_>, ms: f64, share: f64, peak_mib: Option<f64>) -> fmt::Result {
    let peak = peak_mib.map_or("-".into(), |mib| format!("{mib:.0}"));
    write!(f, "{ms:>12.1}{:>7.1}%{peak:>9}", share * 100.0)
}
