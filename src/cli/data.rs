//! The data folder: what is where in it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cameo_tasks::{Blobs, Sqlite, Store};

use crate::error::{Error, Result};

pub struct Folder {
    pub path: PathBuf,
    pub store: Arc<dyn Store>,
    pub blobs: Blobs,
}

impl Folder {
    /// Opens the folder, or makes it, for its owner alone.
    pub fn open(path: &Path) -> Result<Self> {
        let failed = |error: &dyn std::fmt::Display| Error::file("use the data folder", path, error);
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path).map_err(|error| failed(&error))?;
        let store = Sqlite::open(&path.join("cameo.sqlite")).map_err(|error| failed(&error))?;
        let blobs = Blobs::open(&path.join("blobs")).map_err(|error| failed(&error))?;
        Ok(Self { path: path.to_path_buf(), store: Arc::new(store), blobs })
    }

    /// The file of the token keys.
    pub fn keys(&self) -> PathBuf {
        self.path.join("token-keys.json")
    }

    /// Held while a server runs on the folder: a second one would take the first one's workers for its own.
    ///
    /// # Errors
    /// [`Error::File`] if a server runs on it.
    pub fn lock(&self) -> Result<File> {
        let path = self.path.join("serve.lock");
        let file = File::create(&path).map_err(|error| Error::file("use", &path, error))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(fs::TryLockError::WouldBlock) => {
                let reason = "another server runs on it: stop that one, or choose another --data";
                Err(Error::file("use the data folder", &self.path, reason))
            }
            Err(fs::TryLockError::Error(error)) => Err(Error::file("lock", &path, error)),
        }
    }
}
