//! The pipeline from the bytes of a photo to the bytes of its result, and the trait that both engines implement.
//!
//! ARCHITECTURE.md has a drawing of the stages; [`run_stages`] is that drawing in code. A [`Recipe`] selects stages and
//! their options. It is [resolved](Recipe::resolve) once for each photo, and the [`ResolvedRecipe`] carries sizes and
//! cost through the run.

mod budget;
mod engine;
mod engine_thread;
mod error;
mod finish;
mod level;
mod network_runner;
mod options;
mod recipe;
mod recycler;
mod report;
mod resolve;
mod self_test;
mod stages;
mod times;

pub use budget::{PixelBudget, PixelPermit};
pub use engine::{Engine, EngineOutput};
pub use engine_thread::EngineHandle;
pub use error::{EngineError, Fault, PipelineError, RecipeError};
pub use level::{Level, Sharpening};
pub use network_runner::{NetworkRunner, Precision};
pub use options::{Color, CutoutOptions, Edge, Guidance};
pub use recipe::{COARSE_NETWORK, Operation, Recipe};
pub use recycler::PictureRecycler;
pub use report::{CutoutReport, Foreground};
pub use resolve::{Enhancement, ProcessingLimits, ResolvedRecipe};
pub use self_test::{NetworkCheck, self_test, warm_up};
pub use stages::{EncodedResult, InFlight, decode_input, encode_output, process, run_stages};
pub use times::{StageObserver, StageTimes, no_observer};
