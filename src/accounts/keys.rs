//! The keys that sign tokens: the newest signs, older ones verify until all they signed has expired.

use std::fmt;
use std::fs;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Bytes of a secret: as many as HMAC-SHA-256 gives.
const SECRET_BYTES: usize = 32;

/// A secret and the id that a token names it by.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    pub id: String,
    /// In hexadecimal.
    secret: String,
    /// Milliseconds since 1970.
    pub created_at: i64,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, secret)", self.id)
    }
}

impl Key {
    fn new(now: i64) -> Result<Self> {
        let mut secret = [0; SECRET_BYTES];
        getrandom::fill(&mut secret).map_err(|error| Error::Engine { engine: "random", reason: error.to_string() })?;
        let secret = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { id: uuid::Uuid::new_v4().simple().to_string(), secret, created_at: now })
    }

    /// A key whose secret was chosen elsewhere.
    ///
    /// # Errors
    /// [`Error::BadRecipe`] if the secret is shorter than a key should be.
    pub fn from_secret(secret: &str) -> Result<Self> {
        use sha2::{Digest, Sha256};
        if secret.len() < SECRET_BYTES {
            let text = format!("the token secret has {} bytes, it needs {SECRET_BYTES} at least", secret.len());
            return Err(Error::BadRecipe(format!("{text}: make one with `openssl rand -hex 32`")));
        }
        // The id tells nothing of the secret, and is the same after each start.
        let digest = Sha256::digest(format!("cameo key id {secret}"));
        let id = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { id, secret: secret.into(), created_at: 0 })
    }

    pub fn secret(&self) -> &[u8] {
        self.secret.as_bytes()
    }
}

/// Reads the keys of `path`, newest first; makes the file with one key, readable by its owner alone, if there is none.
///
/// # Errors
/// [`Error::File`] if it cannot be read, others may read it, or it holds no key.
pub fn open(path: &Path, now: i64) -> Result<Vec<Key>> {
    if !path.exists() {
        let key = Key::new(now)?;
        let part = write(path, &[key])?;
        // Another process that starts at the same time may have been faster: then its keys are the keys.
        let _ = part.persist_noclobber(path);
    }
    read(path)
}

/// Adds a key, which signs from now on, and drops those that were replaced before `since`. Returns the new one's id.
///
/// # Errors
/// [`Error::File`]
pub fn rotate(path: &Path, now: i64, since: i64) -> Result<String> {
    let mut keys = if path.exists() { read(path)? } else { Vec::new() };
    // A key was replaced when the one before it in the list was made.
    let replaced: Vec<i64> = std::iter::once(now).chain(keys.iter().map(|key| key.created_at)).collect();
    let mut replaced = replaced.into_iter();
    keys.retain(|_| replaced.next().is_some_and(|at| at >= since));
    keys.insert(0, Key::new(now)?);
    let id = keys[0].id.clone();
    write(path, &keys)?.persist(path).map_err(|error| Error::file("write", path, error.error))?;
    Ok(id)
}

fn read(path: &Path) -> Result<Vec<Key>> {
    let failed = |error: &dyn fmt::Display| Error::file("read the token keys in", path, error);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(path).map_err(|error| failed(&error))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(failed(&"others may read the file: run chmod 600 on it, and rotate the keys"));
        }
    }
    let text = fs::read_to_string(path).map_err(|error| failed(&error))?;
    // The parser's words could quote a secret.
    let keys: Vec<Key> = serde_json::from_str(&text).map_err(|_| failed(&"it is no list of keys: remove it"))?;
    if keys.is_empty() {
        return Err(failed(&"it has no key: remove it"));
    }
    Ok(keys)
}

/// The file that will be `path`: readable by its owner alone from its first byte.
fn write(path: &Path, keys: &[Key]) -> Result<tempfile::NamedTempFile> {
    let failed = |error: &dyn fmt::Display| Error::file("write the token keys to", path, error);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let text = serde_json::to_string_pretty(keys).map_err(|error| failed(&error))?;
    // A temporary file has mode 0600.
    let mut part = tempfile::NamedTempFile::new_in(folder).map_err(|error| failed(&error))?;
    part.write_all(text.as_bytes()).and_then(|()| part.as_file().sync_all()).map_err(|error| failed(&error))?;
    Ok(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_and_for_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let made = open(&path, 5).unwrap();
        assert_eq!(open(&path, 6).unwrap(), made);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            assert!(open(&path, 7).is_err());
        }
    }

    #[test]
    fn a_rotated_key_signs_and_the_old_one_stays_until_its_tokens_have_expired() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let first = open(&path, 100).unwrap().remove(0);
        let second = rotate(&path, 200, 0).unwrap();
        let keys = open(&path, 201).unwrap();
        assert_eq!((keys[0].id.clone(), &keys[1]), (second, &first));
        // The first was replaced at 200; what it signed has expired when a key is made after 300.
        let third = rotate(&path, 400, 300).unwrap();
        let ids: Vec<String> = open(&path, 401).unwrap().into_iter().map(|key| key.id).collect();
        assert_eq!(ids, [third, keys[0].id.clone()]);
    }

    #[test]
    fn a_secret_is_never_printed() {
        let key = Key::from_secret(&"s3cret".repeat(8)).unwrap();
        assert!(!format!("{key:?}").contains("s3cret"));
        assert!(Key::from_secret("short").is_err());
    }

    #[test]
    fn what_is_no_list_of_keys_is_told_without_quoting_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        write(&path, &[]).unwrap().persist(&path).unwrap();
        assert!(open(&path, 1).is_err());
        fs::write(&path, "[\"topsecret\"]").unwrap();
        assert!(!open(&path, 1).unwrap_err().to_string().contains("topsecret"));
    }
}
