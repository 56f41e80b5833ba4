//! The processor time that an input may take. `cargo xtask fuzz` bounds the memory.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

const FOR_ANY_INPUT: Duration = Duration::from_secs(2);
const PER_MEGAPIXEL: Duration = Duration::from_millis(50);

/// Runs `work` on an input of `pixels` pixels.
///
/// # Panics
/// If it takes more than 2 s of processor time and 50 ms for each megapixel. The time of the clock on the wall would
/// count other programs on the machine.
pub fn within_time<T>(pixels: u64, work: impl FnOnce() -> T) -> T {
    let since = processor_time();
    let done = work();
    let took = processor_time().saturating_sub(since);
    let limit = FOR_ANY_INPUT + PER_MEGAPIXEL.mul_f64(pixels as f64 / 1e6);
    assert!(took <= limit, "the input took {took:?} of processor time, the limit is {limit:?}");
    done
}

/// Returns the time for which the threads of this process have run.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}
