//! Cameo's service: a REST API that turns uploaded photos into tasks, and worker processes that run them.
//!
//! The API and the workers share nothing but the store (`cameo-store`): the API writes a row and a photo, a worker
//! claims the row, runs the pipeline (`cameo-core`) on its engine, and writes the result. Either may die at any moment
//! without losing a task.
//!
//! - [`settings`]: what the API is configured with
//! - [`http`]: the API
//! - [`worker`]: the loop of a worker process, and the supervisor that keeps such processes alive
//! - [`secrets`]: password hashes and the keys that sign tokens

mod heartbeats;
pub mod http;
pub mod secrets;
pub mod settings;
pub mod worker;
