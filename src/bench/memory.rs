//! The memory of this process.

use std::fs;

use sysinfo::{Process, ProcessRefreshKind, ProcessesToUpdate, System};

/// Returns the most memory that was resident since the last call, in bytes; `None` on systems that do not let a process
/// reset its peak, which are all but Linux.
pub fn take_peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = peak.split_whitespace().next()?.parse().ok()?;
    // Without the reset, the peak would be that of the whole run and not that of a stage.
    fs::write("/proc/self/clear_refs", "5").ok()?;
    Some(kib << 10)
}

/// Returns the memory that is resident, in bytes; `None` if the system does not report it.
pub fn resident() -> Option<u64> {
    let pid = sysinfo::get_current_pid().ok()?;
    let mut system = System::new();
    let kind = ProcessRefreshKind::nothing().with_memory().without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, kind);
    system.process(pid).map(Process::memory).filter(|&bytes| bytes > 0)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const BLOCK: usize = 64 << 20;

    /// Runs `check` in a process that runs no other test, because other tests allocate memory too. `test` is the name
    /// of the calling test.
    fn in_own_process(test: &str, check: fn()) {
        const MARK: &str = "CAMEO_TEST_IN_OWN_PROCESS";
        if std::env::var_os(MARK).is_some() {
            return check();
        }
        let name = format!("bench::memory::tests::{test}");
        let mut child = Command::new(std::env::current_exe().unwrap());
        let output = child.args(["--exact", &name, "--test-threads", "1"]).env(MARK, "1").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
    }

    fn block() -> Vec<u8> {
        std::hint::black_box(vec![1u8; BLOCK])
    }

    #[test]
    fn resident_memory_grows_with_what_is_allocated() {
        in_own_process("resident_memory_grows_with_what_is_allocated", || {
            let before = resident().unwrap();
            let block = block();
            let grown = resident().unwrap().abs_diff(before + BLOCK as u64);
            drop(block);
            let shrunk = resident().unwrap().abs_diff(before);
            assert!(grown < BLOCK as u64 / 8 && shrunk < BLOCK as u64 / 8, "{grown} {shrunk}");
        });
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_peak_starts_anew_with_each_call() {
        in_own_process("a_peak_starts_anew_with_each_call", || {
            take_peak().unwrap();
            let middle = resident().unwrap() + BLOCK as u64 / 2;
            drop(block());
            let (with_block, without_block) = (take_peak().unwrap(), take_peak().unwrap());
            assert!(with_block > middle && without_block < middle, "{with_block} {middle} {without_block}");
        });
    }
}
