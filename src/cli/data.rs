//! The data folder of the service, and what is where in it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cameo_store::{Blobs, Sqlite, Store};

use super::error::{CliError, Result};

const DATABASE: &str = "cameo.sqlite";
const BLOBS: &str = "blobs";

/// Returns the name of this machine, by which a server recognises the workers of its predecessor.
pub fn host_name() -> String {
    sysinfo::System::host_name().unwrap_or_else(|| "localhost".into())
}

/// An open data folder.
pub struct DataFolder {
    pub path: PathBuf,
    pub store: Arc<dyn Store>,
    pub blobs: Blobs,
}

impl DataFolder {
    /// Opens the folder. A folder that does not exist is created. All files that this process creates from now on are
    /// readable by its owner only, also in a folder that others may read.
    ///
    /// # Errors
    /// [`CliError::DataFolder`], also if there are blobs but no database: a new database would refer to none of them,
    /// so all would be removed as orphans.
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
        #[cfg(unix)]
        rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
        let database = path.join(DATABASE);
        let blobs = Blobs::open(&path.join(BLOBS)).map_err(|error| failed(&error))?;
        let is_new = fs::metadata(&database).map_or(true, |file| file.len() == 0);
        if is_new && !blobs.is_empty().map_err(|error| failed(&error))? {
            return Err(failed(&format!(
                "it holds photos or results, but no {DATABASE}, or an empty one: bring the database back, or choose \
                 another --data"
            )));
        }
        let store = Sqlite::open(&database).map_err(|error| failed(&error))?;
        Ok(Self { path: path.to_path_buf(), store: Arc::new(store), blobs })
    }

    /// Returns the file of the keys that sign tokens.
    pub fn signing_keys(&self) -> PathBuf {
        self.path.join("token-keys.json")
    }

    /// Checks that files can be written to the folder and to that of the blobs. SQLite opens a database that cannot be
    /// written, and reports it only when a task is accepted.
    ///
    /// # Errors
    /// [`CliError::DataFolder`].
    pub fn check_writable(&self) -> Result<()> {
        for folder in [self.path.clone(), self.path.join(BLOBS).join("inputs"), self.path.join(BLOBS).join("results")] {
            tempfile::tempfile_in(&folder)
                .map_err(|error| CliError::DataFolder { folder, reason: format!("it cannot be written: {error}") })?;
        }
        Ok(())
    }

    /// Locks the folder for one server. A second server on it would take the first one's workers for its own.
    ///
    /// The folder itself is locked where the system allows it: a file in it may be removed, by a program that clears up.
    ///
    /// # Errors
    /// [`CliError::DataFolder`] if another server has it locked.
    pub fn lock(&self) -> Result<File> {
        #[cfg(unix)]
        let (path, opened) = (self.path.clone(), File::open(&self.path));
        #[cfg(not(unix))]
        let (path, opened) = (self.path.join("serve.lock"), File::create(self.path.join("serve.lock")));
        let file = opened.map_err(|error| CliError::file("open", &path, error))?;
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
