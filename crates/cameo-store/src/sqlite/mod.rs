//! The store of one machine: a SQLite file in write-ahead-log mode.
//!
//! One connection writes at a time, and readers never wait for it. Several processes may open the same file.

mod accounts;
mod claim_order;
mod database;
#[cfg(test)]
mod plans;
mod queue;
mod retention;
mod rows;
mod statistics;
mod tasks;
mod workers;

pub use database::Sqlite;
