//! The memory of this process: what is resident, and the most that was.

use std::fs;

use sysinfo::{Process, ProcessRefreshKind, ProcessesToUpdate, System};

/// The most memory that was resident since the last call, in bytes, and begins anew; `None` where the system does not
/// let a process ask, as all but Linux do not.
pub fn take_peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = peak.split_whitespace().next()?.parse().ok()?;
    // A peak that cannot be begun anew is that of the whole run, and tells nothing of a stage.
    fs::write("/proc/self/clear_refs", "5").ok()?;
    Some(kib << 10)
}

/// The memory that is resident, in bytes; `None` where the system does not tell.
pub fn resident() -> Option<u64> {
    let pid = sysinfo::get_current_pid().ok()?;
    let mut system = System::new();
    let kind = ProcessRefreshKind::nothing().with_memory().without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, kind);
    system.process(pid).map(Process::memory).filter(|&bytes| bytes > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: usize = 64 << 20;

    /// Other tests take and give back memory meanwhile: what is true holds in one of many tries, what is not in none.
    fn holds(check: impl Fn() -> bool) -> bool {
        (0..100).any(|_| check())
    }

    fn block() -> Vec<u8> {
        std::hint::black_box(vec![1u8; BLOCK])
    }

    #[test]
    fn resident_memory_grows_with_what_is_held() {
        assert!(holds(|| {
            let before = resident().unwrap();
            let _block = block();
            resident().unwrap().abs_diff(before + BLOCK as u64) < BLOCK as u64 / 8
        }));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_peak_is_of_the_time_since_it_was_last_asked_for() {
        assert!(holds(|| {
            take_peak().unwrap();
            let before = resident().unwrap();
            drop(block());
            let (with, without) = (take_peak().unwrap(), take_peak().unwrap());
            with > before + BLOCK as u64 / 2 && without < before + BLOCK as u64 / 2
        }));
    }
}
