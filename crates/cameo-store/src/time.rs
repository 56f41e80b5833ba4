//! Time as the store records it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds: a duration, or a point in time since the Unix epoch (1970-01-01 UTC).
pub type Millis = i64;

/// Returns the current time in milliseconds since the Unix epoch, or 0 if the system clock is set to before it.
pub fn now() -> Millis {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_millis() as Millis)
}
