//! What can go wrong with a secret.

use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The password is too short or too long.
    #[error("a password has at least {min_chars} characters and at most {max_bytes} bytes: choose another")]
    PasswordLength { min_chars: usize, max_bytes: usize },
    #[error("the token secret has {bytes} bytes and needs at least {min}: make one with `openssl rand -hex 32`")]
    SecretTooShort { bytes: usize, min: usize },
    /// The file of the signing keys cannot be used. The reason never quotes the file.
    #[error("cannot {action} the token keys in {path}: {reason}", path = .path.display())]
    KeyFile { action: &'static str, path: PathBuf, reason: String },
    #[error("the system gave no random bytes: {0}")]
    RandomBytes(#[from] getrandom::Error),
    #[error("the password could not be hashed: {0}")]
    PasswordHash(String),
}

impl SecretsError {
    pub(super) fn key_file(action: &'static str, path: &Path, reason: impl ToString) -> Self {
        Self::KeyFile { action, path: path.to_path_buf(), reason: reason.to_string() }
    }
}
