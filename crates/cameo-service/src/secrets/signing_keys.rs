//! The keys that sign tokens: the newest signs, and older ones verify until all tokens they signed have expired.

use std::fmt;
use std::fs;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::error::SecretsError;

type Result<T> = std::result::Result<T, SecretsError>;

/// Bytes of a secret: the output size of HMAC-SHA-256, as RFC 7518 requires.
const SECRET_BYTES: usize = 32;

/// A secret, and the id by which a token names it (`kid`).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SigningKey {
    pub id: String,
    /// As text; keys that Cameo makes itself are in hexadecimal.
    secret: String,
    /// Milliseconds since 1970.
    pub created_at: i64,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, secret)", self.id)
    }
}

impl SigningKey {
    fn generate(now: i64) -> Result<Self> {
        let mut secret = [0; SECRET_BYTES];
        getrandom::fill(&mut secret)?;
        let id = uuid::Uuid::new_v4().simple().to_string();
        Ok(Self { id, secret: hex::encode(secret), created_at: now })
    }

    /// Makes a key from a secret that the operator chose, such as one that several servers share.
    ///
    /// # Errors
    /// [`SecretsError::SecretTooShort`]
    pub fn from_secret(secret: &str) -> Result<Self> {
        if secret.len() < SECRET_BYTES {
            return Err(SecretsError::SecretTooShort { bytes: secret.len(), min: SECRET_BYTES });
        }
        // A hash: it does not disclose the secret, and is the same after each start and on each server.
        let digest = Sha256::digest(format!("cameo key id {secret}"));
        Ok(Self { id: hex::encode(&digest[..8]), secret: secret.into(), created_at: 0 })
    }

    pub fn secret(&self) -> &[u8] {
        self.secret.as_bytes()
    }
}

/// Reads the keys in the file `path`, newest first. If there is no such file, creates it with one new key, readable by
/// its owner only.
///
/// # Errors
/// [`SecretsError::KeyFile`] if the file cannot be read, other users may read it, or it holds no key.
pub fn open(path: &Path, now: i64) -> Result<Vec<SigningKey>> {
    if !path.exists() {
        let file = write_beside(path, &[SigningKey::generate(now)?])?;
        // Another process that starts at the same time may have been faster. Then its keys are used.
        let _ = file.persist_noclobber(path);
    }
    read(path)
}

/// Adds a new key, which signs from now on, and drops the keys that were replaced before `since`. Returns the new
/// key's id.
///
/// # Errors
/// [`SecretsError::KeyFile`] if the file cannot be read or written.
pub fn rotate(path: &Path, now: i64, since: i64) -> Result<String> {
    let mut keys = if path.exists() { read(path)? } else { Vec::new() };
    // A key was replaced when its successor, the key before it in the list, was created.
    let mut replaced_at = now;
    keys.retain(|key| std::mem::replace(&mut replaced_at, key.created_at) >= since);
    keys.insert(0, SigningKey::generate(now)?);
    let file = write_beside(path, &keys)?;
    file.persist(path).map_err(|error| SecretsError::key_file("write", path, error.error))?;
    Ok(keys.remove(0).id)
}

fn read(path: &Path) -> Result<Vec<SigningKey>> {
    let failed = |reason: &dyn fmt::Display| SecretsError::key_file("read", path, reason);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(path).map_err(|error| failed(&error))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(failed(&"other users may read the file: run chmod 600 on it, and rotate the keys"));
        }
    }
    let text = fs::read_to_string(path).map_err(|error| failed(&error))?;
    // The parser's own message could quote a secret.
    let keys: Vec<SigningKey> =
        serde_json::from_str(&text).map_err(|_| failed(&"it is not a list of keys: remove it"))?;
    if keys.is_empty() {
        return Err(failed(&"it holds no key: remove it"));
    }
    Ok(keys)
}

/// Writes `keys` to a temporary file in the folder of `path`, for the caller to rename: so the keys' file is whole or
/// absent. A temporary file has mode 0600 from its first byte.
fn write_beside(path: &Path, keys: &[SigningKey]) -> Result<NamedTempFile> {
    let failed = |reason: &dyn fmt::Display| SecretsError::key_file("write", path, reason);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let text = serde_json::to_string_pretty(keys).map_err(|error| failed(&error))?;
    let mut file = NamedTempFile::new_in(folder).map_err(|error| failed(&error))?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(|error| failed(&error))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_created_once_and_readable_by_their_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let keys = open(&path, 5).unwrap();
        assert_eq!(open(&path, 6).unwrap(), keys);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            assert!(open(&path, 7).is_err());
        }
    }

    #[test]
    fn a_new_key_signs_and_the_old_one_stays_until_its_tokens_have_expired() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let first = open(&path, 100).unwrap().remove(0);
        let second = rotate(&path, 200, 0).unwrap();
        let keys = open(&path, 201).unwrap();
        assert_eq!((keys[0].id.clone(), &keys[1]), (second, &first));
        // The first key was replaced at 200: its tokens have expired when keys replaced before 300 are dropped.
        let third = rotate(&path, 400, 300).unwrap();
        let ids: Vec<String> = open(&path, 401).unwrap().into_iter().map(|key| key.id).collect();
        assert_eq!(ids, [third, keys[0].id.clone()]);
    }

    #[test]
    fn a_secret_is_never_printed() {
        let key = SigningKey::from_secret(&"s3cret".repeat(8)).unwrap();
        assert!(!format!("{key:?}").contains("s3cret"));
        assert!(SigningKey::from_secret("short").is_err());
    }

    #[test]
    fn a_file_without_keys_is_refused_without_quoting_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        write_beside(&path, &[]).unwrap().persist(&path).unwrap();
        assert!(open(&path, 1).is_err());
        fs::write(&path, "[\"topsecret\"]").unwrap();
        assert!(!open(&path, 1).unwrap_err().to_string().contains("topsecret"));
    }
}
