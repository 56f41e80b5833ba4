//! Temporary files beside the results. None stays behind: not after an error, nor after a signal; and what a killed
//! process left is removed by a later one.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tempfile::NamedTempFile;

const PREFIX: &str = ".cameo-";
const SUFFIX: &str = ".part";

/// A temporary file is written without pauses, so one that has not changed for this long was left by a killed process.
const ABANDONED_AFTER: Duration = Duration::from_secs(3600);

/// The temporary files of this process.
static IN_USE: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn in_use() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    IN_USE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Creates a temporary file in `folder` for `action`, which may rename it. Otherwise it is removed.
///
/// # Errors
/// If the file cannot be created, and those of `action`.
pub fn with_temporary_file(folder: &Path, action: impl FnOnce(NamedTempFile) -> io::Result<()>) -> io::Result<()> {
    let (file, path) = {
        // Under the lock, so that no file is created that a signal would overlook.
        let mut in_use = in_use();
        let file = create(folder)?;
        let path = file.path().to_path_buf();
        in_use.insert(path.clone());
        (file, path)
    };
    let result = action(file);
    in_use().remove(&path);
    result
}

fn create(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix(PREFIX).suffix(SUFFIX);
    // Temporary files are private by default; a result gets the permissions of any other new file.
    #[cfg(unix)]
    let builder = builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    // The error names the temporary file, which means nothing to the user.
    builder.tempfile_in(folder).map_err(|error| error.kind().into())
}

/// Ends the process after removing its temporary files.
pub fn exit_without_temporary_files(code: u8) -> ! {
    // The lock is kept to the end, so that other threads create no more.
    let in_use = in_use();
    for path in in_use.iter() {
        // One that is gone was renamed a moment ago. Of other errors nobody could be told more than the exit code says.
        let _ = fs::remove_file(path);
    }
    process::exit(code.into())
}

/// Removes the temporary files in `folder` that a killed process left behind.
pub fn remove_abandoned(folder: &Path) {
    // This is a courtesy: what cannot be removed stays.
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_ours = name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX));
        let is_old = || {
            let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
            Some(metadata.modified().ok()?.elapsed().ok()? > ABANDONED_AFTER)
        };
        if is_ours && is_old() == Some(true) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
