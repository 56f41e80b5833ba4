//! The memory, descriptors, threads and disk of a server over time.

use std::fmt;
use std::time::Duration;

/// The growth of memory that is no leak, in bytes.
const MAX_BYTES: u64 = 20 << 20;

/// The growth of descriptors or threads that is no leak: a peak of the load leaves some for the next.
const MAX_COUNT: u64 = 10;

/// Rows of the table.
const ROWS: usize = 20;

/// The state of the server at one time. What is named after workers is the sum over all of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sample {
    /// Since the load began.
    pub at: Duration,
    pub server_bytes: u64,
    pub worker_bytes: u64,
    pub descriptors: u64,
    pub threads: u64,
    pub worker_descriptors: u64,
    pub worker_threads: u64,
    pub disk_bytes: u64,
}

/// What must not grow: its name, its value in a sample, and the largest growth.
type Quantity = (&'static str, fn(&Sample) -> u64, u64);

const COUNTS_OF_SERVER: [Quantity; 2] = [
    ("the server's descriptors", |sample| sample.descriptors, MAX_COUNT),
    ("the server's threads", |sample| sample.threads, MAX_COUNT),
];

const QUANTITIES: [Quantity; 6] = [
    ("the server's memory", |sample| sample.server_bytes, MAX_BYTES),
    ("the workers' memory", |sample| sample.worker_bytes, MAX_BYTES),
    COUNTS_OF_SERVER[0],
    COUNTS_OF_SERVER[1],
    ("the workers' descriptors", |sample| sample.worker_descriptors, MAX_COUNT),
    ("the workers' threads", |sample| sample.worker_threads, MAX_COUNT),
];

#[derive(Debug, Default)]
pub struct Samples(Vec<Sample>);

impl Samples {
    pub fn add(&mut self, sample: Sample) {
        self.0.push(sample);
    }

    /// Returns what has grown: between the second quarter and the last. The first quarter is the warm-up. The median of
    /// a quarter hardly depends on what a worker that was just started holds.
    pub fn growth(&self) -> Vec<String> {
        let quarter = self.0.len() / 4;
        let (before, after) = (&self.0[quarter..2 * quarter], &self.0[3 * quarter..]);
        let grown = |(name, value, limit): Quantity| {
            let (before, after) = (median(before, value), median(after, value));
            let growth = after.saturating_sub(before);
            (growth > limit).then(|| format!("{name} grew from {before} to {after}; the most allowed are {limit} more"))
        };
        QUANTITIES.into_iter().filter_map(grown).collect()
    }

    /// Returns which descriptors and threads of the server are left after the load, in the sample `after` it: more than
    /// there were under the load. Some stay open for the next request: connections to the database, and idle threads.
    pub fn left_open(&self, after: &Sample) -> Vec<String> {
        let loaded = &self.0[self.0.len() / 2..];
        let left = |(name, value, _): Quantity| {
            let (under_load, after) = (median(loaded, value), value(after));
            (after > under_load).then(|| format!("{name}: {under_load} under the load, {after} after it"))
        };
        COUNTS_OF_SERVER.into_iter().filter_map(left).collect()
    }
}

fn median(samples: &[Sample], value: fn(&Sample) -> u64) -> u64 {
    let mut values: Vec<u64> = samples.iter().map(value).collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

impl fmt::Display for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| seconds | server MiB | workers MiB | descriptors | threads | of workers | disk MiB |")?;
        writeln!(f, "|--------:|-----------:|------------:|------------:|--------:|-----------:|---------:|")?;
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        for sample in self.0.iter().step_by(self.0.len().div_ceil(ROWS).max(1)) {
            let of_workers = format!("{} / {}", sample.worker_descriptors, sample.worker_threads);
            writeln!(
                f,
                "| {:7} | {:10.1} | {:11.1} | {:11} | {:7} | {of_workers:>10} | {:8.1} |",
                sample.at.as_secs(),
                mib(sample.server_bytes),
                mib(sample.worker_bytes),
                sample.descriptors,
                sample.threads,
                mib(sample.disk_bytes),
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples of a server whose memory and descriptors are those of `at`, a second apart.
    fn samples(at: impl Fn(u64) -> (u64, u64)) -> Samples {
        let sample = |second| {
            let (server_bytes, descriptors) = at(second);
            Sample { at: Duration::from_secs(second), server_bytes, descriptors, ..Sample::default() }
        };
        Samples((0..100).map(sample).collect())
    }

    #[test]
    fn growth_after_the_warm_up_is_found() {
        let warm = |second: u64| second.min(20) * (10 << 20);
        assert!(samples(|second| (warm(second) + second % 7 * (5 << 20), 30 + second % 10)).growth().is_empty());
        let leaks = samples(|second| (warm(second) + second * (1 << 20), 30)).growth();
        assert!(leaks.len() == 1 && leaks[0].starts_with("the server's memory grew"), "{leaks:?}");
        let opens = samples(|second| (0, 30 + second / 4)).growth();
        assert!(opens.len() == 1 && opens[0].starts_with("the server's descriptors grew"), "{opens:?}");
    }

    #[test]
    fn descriptors_that_stay_open_are_found() {
        let loaded = samples(|second| (0, 20 + second % 3));
        assert!(loaded.left_open(&Sample { descriptors: 21, ..Sample::default() }).is_empty());
        let left = loaded.left_open(&Sample { descriptors: 22, threads: 1, ..Sample::default() });
        assert!(left.len() == 2 && left[0].starts_with("the server's descriptors"), "{left:?}");
    }

    #[test]
    fn a_table_has_a_row_for_some_samples() {
        let table = samples(|second| (second << 20, second)).to_string();
        assert_eq!(table.lines().count(), 2 + ROWS);
    }
}
