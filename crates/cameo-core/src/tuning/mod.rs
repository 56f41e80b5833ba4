//! The constants of the matte stages, each with the measurement behind it. Both engines take them from here.
//!
//! "Measured" means: by the error against ground-truth mattes, on the images that `xtask/quality/README.md` names.

mod constants;
pub mod noise;
mod roi;
mod stats;

pub use constants::*;
pub use roi::Roi;
pub use stats::{MatteStats, STATS_SOFT, STATS_UNIT};
