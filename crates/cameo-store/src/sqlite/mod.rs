//! The store of one machine: a SQLite file in write-ahead-log mode.
//!
//! One connection writes at a time, and readers never wait for it. Several processes may open the same file.

mod accounts;
mod claim_order;
mod database;
mod queue;
mod rows;
mod tasks;
mod workers;

pub use database::Sqlite;
