//! What a path names, whatever the path is called and whether anything is there yet.

use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

/// The identity of a file or folder: two paths to the same one, through links or mounts, have the same identity.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileId {
    /// Device and inode. A canonical path would not do: a folder that is mounted at two places has two of them.
    #[cfg(unix)]
    inode: (u64, u64),
    #[cfg(not(unix))]
    path: PathBuf,
}

impl FileId {
    /// Returns the identity of what is at `path`; `None` if nothing is there, or it cannot be reached.
    pub fn of(path: &Path) -> Option<Self> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            fs::metadata(path).ok().map(|metadata| Self { inode: (metadata.dev(), metadata.ino()) })
        }
        #[cfg(not(unix))]
        fs::canonicalize(path).ok().map(|path| Self { path })
    }
}

/// Returns the folder that holds `path`.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Returns the file that a result at `path` is written to: what `path` is a link to, directly or through other links,
/// whether it exists or not; `path` itself if it is no link.
pub fn destination(path: &Path) -> PathBuf {
    /// As many links as Linux follows.
    const MAX_LINKS: usize = 40;
    let mut target = without_missing_folders(path);
    for _ in 0..MAX_LINKS {
        match fs::read_link(&target) {
            Ok(next) => target = without_missing_folders(&folder_of(&target).join(next)),
            Err(_) => break,
        }
    }
    target
}

/// Returns `path` without the folders that do not exist and that a `..` leaves again. The system finds nothing at
/// `missing/../photo.png`, but would find the photo there once `missing` had been created.
pub fn without_missing_folders(path: &Path) -> PathBuf {
    let mut resolved = PathBuf::new();
    for component in path.components() {
        let is_missing = || fs::symlink_metadata(&resolved).is_err_and(|error| error.kind() == ErrorKind::NotFound);
        if component == Component::ParentDir && resolved.file_name().is_some() && is_missing() {
            resolved.pop();
        } else {
            resolved.push(component);
        }
    }
    if resolved.as_os_str().is_empty() { PathBuf::from(".") } else { resolved }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_that_do_not_exist_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fs::create_dir(path.join("here")).unwrap();
        for (given, resolved) in [
            ("none/../a.png", "a.png"),
            ("none/deeper/../../a.png", "a.png"),
            ("here/none/../a.png", "here/a.png"),
            ("here/../a.png", "here/../a.png"),
            ("none/a.png", "none/a.png"),
        ] {
            assert_eq!(without_missing_folders(&path.join(given)), path.join(resolved));
        }
        assert_eq!(without_missing_folders(Path::new("none/..")), Path::new("."));
        assert_eq!(without_missing_folders(Path::new("../none/../a.png")), Path::new("../a.png"));
    }
}
