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

    /// More than the tests beside these hold.
    const BLOCK: usize = 256 << 20;

    /// One test, as two at once would see each other's blocks.
    #[test]
    fn what_is_held_is_resident_and_what_was_held_is_a_peak() {
        let before = resident().unwrap();
        let block = std::hint::black_box(vec![1u8; BLOCK]);
        // Other tests give memory back meanwhile.
        assert!(resident().unwrap() > before + BLOCK as u64 / 2);
        drop(block);
        if cfg!(target_os = "linux") {
            take_peak().unwrap();
            let before = resident().unwrap();
            drop(std::hint::black_box(vec![1u8; BLOCK]));
            assert!(take_peak().unwrap() > before + BLOCK as u64 / 2);
            assert!(take_peak().unwrap() < before + BLOCK as u64 / 2);
        }
    }
}
