//! What every Cameo engine shares: the pipeline from photo bytes to result bytes, the image codecs, the filter taps
//! and the tuning constants.
//!
//! Between decoding and encoding, this crate only crops a result and puts it on a background. All other stages belong
//! to an [`Engine`](pipeline::Engine), which `cameo-cpu` and `cameo-gpu` implement. It knows no device, no HTTP and no
//! command line.
//!
//! - [`pipeline`]: the stages in order, the [`Recipe`](pipeline::Recipe) that selects them, and the thread that owns an
//!   engine
//! - [`codec`]: image bytes to pixels and back
//! - [`names`]: parsing of options that are named by a word
//! - [`taps`]: resampling and filter weights, computed once on the host for both engines
//! - [`tuning`]: the constants of the matte stages, each with the measurement behind it
//! - [`view`]: which part of a photo the networks look at

pub mod codec;
pub mod names;
pub mod pipeline;
pub mod taps;
pub mod tuning;
pub mod view;
