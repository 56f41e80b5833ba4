//! Secrets at rest: password hashes, and the keys that sign tokens. Knows no HTTP and no store.

mod error;
pub mod password;
pub mod signing_keys;

/// Signing keys from the environment, for several servers that share them: the newest first, older ones after commas.
pub const SECRET_VARIABLE: &str = "CAMEO_TOKEN_SECRET";

pub use error::SecretsError;
pub use signing_keys::SigningKey;
