//! The service as its users and operators see it: real processes, real sockets and real networks.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;

mod accounts;
mod bounds;
mod client;
mod configs;
mod contract;
mod crashes;
mod disk;
mod environment;
mod examples;
mod faults;
mod load;
mod operations;
mod others;
mod reference;
mod response;
mod results;
mod server;
mod strangers;
mod tasks;
mod tls;
mod watching;
