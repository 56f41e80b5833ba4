//! The memory of this process: what is resident, and the most that was.

use std::fs;

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

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

/// Tells how much memory is resident.
pub struct Resident {
    system: System,
    pid: Pid,
}

impl Resident {
    /// `None` where the system does not tell.
    pub fn new() -> Option<Self> {
        let mut resident = Self { system: System::new(), pid: sysinfo::get_current_pid().ok()? };
        (resident.bytes() > 0).then_some(resident)
    }

    pub fn bytes(&mut self) -> u64 {
        let kind = ProcessRefreshKind::nothing().with_memory().without_tasks();
        self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&[self.pid]), true, kind);
        self.system.process(self.pid).map_or(0, sysinfo::Process::memory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: usize = 64 << 20;

    #[test]
    fn resident_memory_grows_with_what_is_held() {
        let mut resident = Resident::new().unwrap();
        let before = resident.bytes();
        let block = vec![1u8; BLOCK];
        // Other tests give memory back meanwhile.
        assert!(resident.bytes() > before + BLOCK as u64 / 2);
        drop(block);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_peak_is_of_the_time_since_it_was_last_asked_for() {
        let mut resident = Resident::new().unwrap();
        take_peak().unwrap();
        let before = resident.bytes();
        drop(std::hint::black_box(vec![1u8; BLOCK]));
        assert!(take_peak().unwrap() > before + BLOCK as u64 / 2);
        assert!(take_peak().unwrap() < before + BLOCK as u64 / 2);
    }
}
