//! The machine that is measured.

use serde::Serialize;
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use super::statistics::MIB;

#[derive(Debug, Serialize)]
pub struct Machine {
    /// The processor's name.
    pub cpu: String,
    /// The number of threads that the CPU engine uses.
    pub threads: usize,
    pub memory_mib: f64,
    pub os: String,
    pub arch: &'static str,
    /// The GPU that was measured.
    pub adapter: Option<String>,
}

impl Machine {
    /// Returns this machine, without an adapter.
    pub fn this() -> Self {
        let cpu = CpuRefreshKind::nothing();
        let memory = MemoryRefreshKind::nothing().with_ram();
        let system = System::new_with_specifics(RefreshKind::nothing().with_cpu(cpu).with_memory(memory));
        let name = system.cpus().first().map(|cpu| cpu.brand().trim()).filter(|name| !name.is_empty());
        Self {
            cpu: name.unwrap_or("an unknown processor").into(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mib: system.total_memory() as f64 / MIB,
            os: System::long_os_version().unwrap_or_else(|| std::env::consts::OS.into()),
            arch: std::env::consts::ARCH,
            adapter: None,
        }
    }
}
