//! The report as people read it.

use std::fmt;

use super::{Measured, Report, Size, Stage};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { version, machine, recipe, runs, engines } = self;
        writeln!(f, "cameo {version} on {}, {} cores, {} {}", machine.cpu, machine.cores, machine.os, machine.arch)?;
        let scale = recipe.scale.map(|scale| format!(" enlarged {scale} times")).unwrap_or_default();
        writeln!(f, "{} at level {}{scale}, median of {runs} after a warm-up", recipe.cutout.model, recipe.level)?;
        engines.iter().try_for_each(|engine| write_engine(f, engine))?;
        let told = engines.iter().flat_map(|engine| &engine.sizes).any(|size| size.peak_mib.is_some());
        match told {
            true => writeln!(f, "\nMiB: the most memory of the process while the stage ran"),
            false => writeln!(f, "\nMemory is absent: this system does not tell a process its peak"),
        }
    }
}

fn write_engine(f: &mut fmt::Formatter<'_>, engine: &Measured) -> fmt::Result {
    let Measured { engine, device, load_ms, sizes } = engine;
    writeln!(f, "\n{engine}: {device}, loaded in {:.2} s", load_ms / 1e3)?;
    write!(f, "{:14}", "")?;
    for Size { width, height, .. } in sizes {
        write!(f, "{:>29}", format!("{width}x{height}"))?;
    }
    write!(f, "\n{:14}", "stage")?;
    for _ in sizes {
        write!(f, "{:>12}{:>8}{:>9}", "ms", "share", "MiB")?;
    }
    writeln!(f)?;
    let rows = sizes.first().map_or(0, |size| size.stages.len());
    for i in 0..rows {
        write!(f, "{:14}", sizes[0].stages[i].stage)?;
        for size in sizes {
            let Stage { ms, share, peak_mib, .. } = &size.stages[i];
            write_cells(f, *ms, *share, *peak_mib)?;
        }
        writeln!(f)?;
    }
    write!(f, "{:14}", "total")?;
    sizes.iter().try_for_each(|size| write_cells(f, size.total_ms, 1.0, size.peak_mib))?;
    writeln!(f)
}

fn write_cells(f: &mut fmt::Formatter<'_>, ms: f64, share: f64, peak_mib: Option<f64>) -> fmt::Result {
    let peak = peak_mib.map_or("-".into(), |mib| format!("{mib:.0}"));
    write!(f, "{ms:>12.1}{:>7.1}%{peak:>9}", share * 100.0)
}
