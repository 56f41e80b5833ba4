//! The data folder of the service, and what is where in it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cameo_store::{Blobs, Sqlite, Store};

use super::error::{CliError, Result};

/// An open data folder.
pub struct DataFolder {
    pub path: PathBuf,
    pub store: Arc<dyn Store>,
    pub blobs: Blobs,
}

impl DataFolder {
    /// Opens the folder. A folder that does not exist is created, readable by its owner only.
    ///
    /// # Errors
    /// [`CliError::DataFolder`].
    pub fn open(path: &Path) -> Result<Self> {
        let failed = |reason: &dyn std::fmt::Display| CliError::DataFolder {
            folder: path.to_path_buf(),
            reason: reason.to_string(),
        };
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path).map_err(|error| failed(&error))?;
        let store = Sqlite::open(&path.join("cameo.sqlite")).map_err(|error| failed(&error))?;
        let blobs = Blobs::open(&path.join("blobs")).map_err(|error| failed(&error))?;
        Ok(Self { path: path.to_path_buf(), store: Arc::new(store), blobs })
    }

    /// Returns the file of the keys that sign tokens.
    pub fn signing_keys(&self) -> PathBuf {
        self.path.join("token-keys.json")
    }

    /// Locks the folder for one server. A second server on it would take the first one's workers for its own.
    ///
    /// # Errors
    /// [`CliError::DataFolder`] if another server has it locked.
    pub fn lock(&self) -> Result<File> {
        let path = self.path.join("serve.lock");
        let file = File::create(&path).map_err(|error| CliError::file("create", &path, error))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(fs::TryLockError::WouldBlock) => Err(CliError::DataFolder {
                folder: self.path.clone(),
                reason: "another server runs on it: stop that server, or choose another --data".into(),
            }),
            Err(fs::TryLockError::Error(error)) => Err(CliError::file("lock", &path, error)),
        }
    }
}
