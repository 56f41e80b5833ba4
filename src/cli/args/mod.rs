//! The flags that several commands share, the environment variables behind them, and the configuration file.

pub mod config_file;
mod engine;
mod limits;
mod log;
mod service;

pub use engine::{Device, EngineArgs};
pub use limits::LimitArgs;
pub use log::{LogArgs, LogFormat};
pub use service::{ServeArgs, WorkerArgs, data_folder};
