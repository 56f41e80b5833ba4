//! The REST API. It accepts photos and returns results, but computes nothing on pixels except to write a finished
//! result as WebP. An accepted photo is a row in the store and a file; a worker does the rest.
//!
//! Only this module uses axum, JSON Web Tokens and HTTP status codes. Its modules, from the outside in:
//!
//! - `server`, `tls`, `router`, `cors`, `trace`, `preconditions`, `drain`: connections, and the way of a request to its
//!   handler
//! - `login`, `submit`, `status`, `events`, `result`, `webp`, `configs`, `health`, `docs`: the handlers
//! - `caller`, `client_address`, `extract`, `params`, `upload`, `wait`: what a request holds
//! - `problem`, `responses`: errors as answers, and in the OpenAPI document
//! - `state`, `tokens`, `throttle`, `leaky_buckets`, `cpu_work`, `places`, `task_watch`, `queued_task`, `load_cache`,
//!   `metrics`: what the handlers share

#![expect(unused_qualifications, reason = "utoipa's macros write them")]

mod caller;
mod client_address;
mod configs;
mod cors;
mod cpu_work;
mod docs;
mod drain;
mod events;
mod extract;
mod health;
mod leaky_buckets;
mod load_cache;
mod login;
mod metrics;
mod params;
mod places;
mod preconditions;
mod problem;
mod queued_task;
mod responses;
mod result;
mod router;
mod server;
mod state;
mod status;
mod submit;
mod task_watch;
mod throttle;
mod tls;
mod tokens;
mod trace;
mod upload;
mod wait;
mod webp;

pub use router::{app, document};
pub use server::{check, serve};
pub use state::AppState;
pub use tls::ServerError;
