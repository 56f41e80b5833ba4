//! Secrets at rest: password hashes, and the keys that sign tokens. Knows no HTTP and no store.

mod error;
pub mod password;
pub mod signing_keys;

pub use error::SecretsError;
pub use signing_keys::SigningKey;
