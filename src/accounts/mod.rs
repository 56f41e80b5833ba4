//! Secrets at rest: passwords as hashes, and the keys that sign tokens. Knows no HTTP and no store.

pub mod keys;
pub mod password;
