//! GPUs whose data sheets are known.

use std::str::FromStr;

use serde::Serialize;

/// A GPU as its maker's data sheet describes it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
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
    pub const ALL: [GpuSpec; 9] = [
        Self::new("h100", "NVIDIA H100 SXM", 3350.0, 66.9),
        Self::new("h200", "NVIDIA H200", 4800.0, 66.9),
        Self::new("t4", "NVIDIA T4", 320.0, 8.1),
        Self::new("l4", "NVIDIA L4", 300.0, 30.3),
        Self::new("rtx3060", "NVIDIA GeForce RTX 3060", 360.0, 12.7),
        Self::new("rtx4090", "NVIDIA GeForce RTX 4090", 1008.0, 82.6),
        Self::new("rx7600", "AMD Radeon RX 7600", 288.0, 21.5),
        Self::new("arc-a770", "Intel Arc A770", 560.0, 19.7),
        // With ten cores.
        Self::new("m2", "Apple M2", 100.0, 3.6),
    ];

    /// The one that is compared with if none is named: a common card of servers.
    pub const DEFAULT: GpuSpec = Self::ALL[3];

    const fn new(id: &'static str, name: &'static str, gigabytes_per_second: f64, teraflops: f64) -> Self {
        Self { id, name, gigabytes_per_second, teraflops }
    }

    /// Returns the shortest time, in milliseconds, in which this GPU could move `bytes` and compute `operations`: that of
    /// its memory traffic or of its operations, whichever is longer.
    pub fn min_ms(&self, bytes: u64, operations: u64) -> f64 {
        let memory = bytes as f64 / (self.gigabytes_per_second * 1e6);
        let compute = operations as f64 / (self.teraflops * 1e9);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_the_card_that_the_help_names() {
        assert_eq!(GpuSpec::DEFAULT.id, "l4");
    }

    #[test]
    fn the_shortest_time_is_that_of_memory_or_of_compute() {
        let gpu: GpuSpec = "t4".parse().unwrap();
        assert!((gpu.min_ms(320_000_000, 0) - 1.0).abs() < 1e-9);
        assert!((gpu.min_ms(320_000_000, 16_200_000_000) - 2.0).abs() < 1e-9);
    }

    #[test]
    fn an_unknown_gpu_is_refused_with_the_known_ones() {
        let error = "gtx1060".parse::<GpuSpec>().unwrap_err();
        assert!(error.contains("gtx1060") && error.contains("arc-a770, m2"), "{error}");
        assert!(GpuSpec::ALL.into_iter().all(|gpu| gpu.id.parse() == Ok(gpu)));
    }
}
