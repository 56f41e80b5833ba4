//! The files that match a pattern such as `photos/**/*.jpg`.
//!
//! `*`, `?` and `[...]` match within one name, `**` any number of folders. Names that are not Unicode match as if each
//! invalid part were one character, and whatever cannot be searched is told, neither of which `glob::glob` does.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// What matches a pattern.
#[derive(Default)]
pub struct Matches {
    pub files: BTreeSet<PathBuf>,
    /// Folders that cannot be searched.
    pub unreadable: BTreeMap<PathBuf, io::Error>,
    /// Links to folders, which `**` does not follow: through a link to a parent folder, the search would never end.
    pub links: BTreeSet<PathBuf>,
}

/// One name of a pattern.
enum Part {
    /// `**`
    AnyFolders,
    Name(OsString),
    Matching(glob::Pattern),
}

/// Returns whether `name` contains a character that only a pattern gives a meaning to.
pub fn is_pattern(name: &OsStr) -> bool {
    name.as_encoded_bytes().iter().any(|byte| b"*?[".contains(byte))
}

/// Finds the files that match `pattern`. The part of its path that exists is no pattern, though it may contain brackets.
/// Below that part, folders for which `is_left_out` holds are not searched.
///
/// # Errors
/// If `pattern` is not one.
pub fn find(pattern: &Path, is_left_out: impl Fn(&Path) -> bool) -> Result<Matches, glob::PatternError> {
    let root = pattern.ancestors().find(|path| path.exists()).unwrap_or(Path::new(""));
    let rest = pattern.strip_prefix(root).unwrap_or(pattern);
    let part = |name: &OsStr| {
        Ok(match is_pattern(name) {
            _ if name == "**" => Part::AnyFolders,
            true => Part::Matching(glob::Pattern::new(&name.to_string_lossy())?),
            false => Part::Name(name.to_owned()),
        })
    };
    let parts = rest.iter().map(part).collect::<Result<Vec<Part>, _>>()?;
    let mut search = Search { is_left_out, matches: Matches::default() };
    search.walk(root, &parts);
    Ok(search.matches)
}

struct Search<F> {
    is_left_out: F,
    matches: Matches,
}

impl<F: Fn(&Path) -> bool> Search<F> {
    fn walk(&mut self, folder: &Path, parts: &[Part]) {
        match parts {
            [] => {}
            [Part::Name(name)] => self.add_file(folder.join(name)),
            [Part::Name(name), rest @ ..] => self.walk_into(&folder.join(name), rest),
            [Part::AnyFolders, rest @ ..] => {
                self.walk(folder, rest);
                for (path, kind) in self.entries(folder) {
                    if kind.is_dir() {
                        self.walk_into(&path, parts);
                    } else if kind.is_symlink() && path.is_dir() {
                        self.matches.links.insert(path);
                    }
                }
            }
            [Part::Matching(pattern), rest @ ..] => {
                for (path, kind) in self.entries(folder) {
                    if !path.file_name().is_some_and(|name| pattern.matches(&name.to_string_lossy())) {
                        continue;
                    }
                    if rest.is_empty() {
                        self.add_file(path);
                    } else if kind.is_dir() || (kind.is_symlink() && path.is_dir()) {
                        self.walk_into(&path, rest);
                    }
                }
            }
        }
    }

    fn walk_into(&mut self, folder: &Path, parts: &[Part]) {
        if !(self.is_left_out)(folder) {
            self.walk(folder, parts);
        }
    }

    /// Adds what is at `path`, unless it is known to be no file. If it cannot be known, reading it will tell why.
    fn add_file(&mut self, path: PathBuf) {
        let is_file = match fs::metadata(&path) {
            Ok(metadata) => metadata.is_file(),
            Err(_) => fs::symlink_metadata(&path).map_or_else(|error| !is_absent(&error), |_| true),
        };
        if is_file {
            self.matches.files.insert(path);
        }
    }

    fn entries(&mut self, folder: &Path) -> Vec<(PathBuf, fs::FileType)> {
        let readable = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let read = || -> io::Result<Vec<_>> {
            let entries = fs::read_dir(readable)?;
            entries
                .map(|entry| entry.and_then(|entry| Ok((folder.join(entry.file_name()), entry.file_type()?))))
                .collect()
        };
        read().unwrap_or_else(|error| {
            if !is_absent(&error) {
                self.matches.unreadable.insert(readable.to_path_buf(), error);
            }
            Vec::new()
        })
    }
}

/// Returns whether an error says that there is nothing at a path.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_match_names_and_two_stars_any_folders() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fs::create_dir_all(path.join("shoot [2024]/x/y")).unwrap();
        for name in ["a.jpg", "b.png", "x/c.jpg", "x/y/d.jpg"] {
            fs::write(path.join("shoot [2024]").join(name), "").unwrap();
        }
        for (pattern, found) in [
            ("shoot [2024]/*.jpg", &["a.jpg"][..]),
            ("shoot [2024]/[ab].*", &["a.jpg", "b.png"]),
            ("shoot */**/?.jpg", &["a.jpg", "x/c.jpg", "x/y/d.jpg"]),
            ("shoot [2024]/*/c.jpg", &["x/c.jpg"]),
            ("shoot [2024]/*/*/c.jpg", &[]),
            ("none [2024]/*.jpg", &[]),
        ] {
            let matches = find(&path.join(pattern), |_| false).unwrap();
            let expected: Vec<PathBuf> = found.iter().map(|name| path.join("shoot [2024]").join(name)).collect();
            assert_eq!(matches.files.into_iter().collect::<Vec<_>>(), expected, "{pattern}");
            assert!(matches.unreadable.is_empty(), "{pattern}");
        }
        assert!(find(Path::new("a**"), |_| false).is_err());
    }
}
