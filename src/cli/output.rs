//! Where the results of a command go, as `-o` says.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::error::{CliError, Result};
use super::paths::without_missing_folders;

/// The argument that stands for standard input or output.
pub const DASH: &str = "-";

/// Where the results of a command go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    Standard,
    /// A folder that exists, or whose name ends as only that of a folder does.
    Folder(PathBuf),
    /// A file, or a folder that is to be created if there may be several results.
    FileOrFolder(PathBuf),
}

impl Output {
    /// Parses the value of `-o`.
    ///
    /// # Errors
    /// [`CliError::Usage`] if `argument` is empty or looks like a flag.
    pub fn parse(argument: &OsStr) -> Result<Self> {
        if argument.is_empty() {
            return Err(CliError::Usage("the output is an empty name: use -o FILE or -o FOLDER".into()));
        }
        if argument != DASH && argument.as_encoded_bytes().starts_with(b"-") {
            let name = argument.display();
            return Err(CliError::Usage(format!("the output {name} looks like a flag: use -o ./{name} for a file")));
        }
        // As files these would be what standard output was redirected to, which the shell has created already.
        if [DASH, "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].iter().any(|name| argument == *name) {
            return Ok(Self::Standard);
        }
        let path = without_missing_folders(Path::new(argument));
        let names_folder = path.is_dir() || argument.to_string_lossy().ends_with(std::path::is_separator);
        Ok(if names_folder { Self::Folder(path) } else { Self::FileOrFolder(path) })
    }

    /// Returns the path; `None` for standard output.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Standard => None,
            Self::Folder(path) | Self::FileOrFolder(path) => Some(path),
        }
    }
}
