//! The service as its users and operators meet it: real processes, real sockets, the real network.

#[path = "../common/mod.rs"]
mod common;

mod accounts;
mod configs;
mod contract;
mod crashes;
mod examples;
mod load;
mod operations;
mod results;
mod server;
mod tasks;
