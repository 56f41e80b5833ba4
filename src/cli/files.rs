//! Reading and writing images at a path, or at standard input and output. A result file is complete or absent.

use std::fs;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use cameo_core::codec::{self, CodecError, InputLimits};
use cameo_core::pipeline::PipelineError;

use super::error::{CliError, Result};

/// The argument that stands for standard input or output.
pub const DASH: &str = "-";

/// Where an image is read from or written to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Location {
    /// Standard input or standard output.
    Standard,
    File(PathBuf),
}

impl Location {
    /// Returns the name for messages and JSON.
    pub fn name(&self) -> String {
        match self {
            Location::Standard => DASH.into(),
            Location::File(path) => path.display().to_string(),
        }
    }

    /// Returns whether a result is there already, which may be a link to nowhere.
    pub fn exists(&self) -> bool {
        matches!(self, Location::File(path) if fs::symlink_metadata(path).is_ok() && !is_special(path))
    }

    /// Returns whether it can be read only once, from its start to its end: standard input, a pipe or a device.
    pub fn is_stream(&self) -> bool {
        match self {
            Location::Standard => true,
            Location::File(path) => is_special(path),
        }
    }
}

/// Returns whether there is something at `path` that is neither a file nor a folder: a pipe or a device.
fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

/// Reads an encoded image of at most `limits.max_bytes`.
///
/// # Errors
/// [`CliError::File`], or [`CodecError::TooLarge`].
pub fn read(location: &Location, limits: &InputLimits) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than the limit, to notice that there is more.
    let limit = limits.max_bytes as u64 + 1;
    let (path, result) = match location {
        Location::Standard => (Path::new("standard input"), io::stdin().lock().take(limit).read_to_end(&mut bytes)),
        Location::File(path) => {
            let result = fs::File::open(path).and_then(|file| {
                bytes.reserve(file.metadata()?.len().min(limit) as usize);
                file.take(limit).read_to_end(&mut bytes)
            });
            (path.as_path(), result)
        }
    };
    result.map_err(|error| CliError::file("read", path, error))?;
    limits.check_bytes(bytes.len() as u64)?;
    Ok(bytes)
}

/// Reads the size of the image in a file.
///
/// # Errors
/// [`CliError::File`] if the file cannot be read, or the codec's errors.
pub fn header(path: &Path, limits: &InputLimits) -> Result<codec::ImageHeader> {
    codec::header_of_file(path, limits).map_err(|error| match error {
        CodecError::Io(reason) => CliError::file("read", path, reason),
        other => PipelineError::from(other).into(),
    })
}

/// Writes `bytes` to the output.
///
/// # Errors
/// [`CliError::File`].
pub fn write(location: &Location, bytes: &[u8]) -> Result<()> {
    match location {
        Location::Standard => {
            let mut out = io::stdout().lock();
            let written = out.write_all(bytes).and_then(|()| out.flush());
            written.map_err(|error| CliError::file("write to", Path::new("standard output"), error))
        }
        Location::File(path) => write_file(path, bytes).map_err(|error| CliError::file("write", path, error)),
    }
}

/// Writes `bytes` to a temporary file beside `path` and renames it, so that the file is complete or absent. A link keeps
/// its target, which gets the bytes; a file that was there keeps its permissions; a pipe or a device is written to.
fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if is_special(path) {
        return fs::File::options().write(true).open(path)?.write_all(bytes);
    }
    let path = &link_target(path);
    let folder = folder_of(path);
    fs::create_dir_all(folder)?;
    let mut part = temporary_file(folder)?;
    if let Ok(existing) = fs::metadata(path) {
        part.as_file().set_permissions(existing.permissions())?;
    }
    part.write_all(bytes)?;
    part.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Checks that results can be written into `folder`, or where it would be created. Leaves nothing there.
///
/// # Errors
/// [`CliError::File`].
pub fn check_folder(folder: &Path) -> Result<()> {
    let existing = folder.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    let existing = if existing.as_os_str().is_empty() { Path::new(".") } else { existing };
    temporary_file(existing).map(drop).map_err(|error| CliError::file("write to the folder", existing, error))
}

/// Returns the folder that holds `path`.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn temporary_file(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix(".cameo-").suffix(".part");
    // Temporary files are private by default; a result gets the permissions of any other new file.
    #[cfg(unix)]
    let builder = builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    // The error names the temporary file, which means nothing to the user.
    builder.tempfile_in(folder).map_err(|error| error.kind().into())
}

/// Returns the file that `path` is a link to, directly or through other links, whether it exists or not; `path` itself
/// if it is no link.
fn link_target(path: &Path) -> PathBuf {
    /// As many links as Linux follows.
    const MAX_LINKS: usize = 40;
    let mut target = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&target) {
            Ok(next) => target = folder_of(&target).join(next),
            Err(_) => break,
        }
    }
    target
}

/// Refuses to write image bytes to a terminal.
///
/// # Errors
/// [`CliError::Usage`].
pub fn check_standard_output() -> Result<()> {
    match io::stdout().is_terminal() {
        true => Err(CliError::Usage(
            "image bytes are not written to a terminal: redirect standard output to a file or a program, or use -o FILE"
                .into(),
        )),
        false => Ok(()),
    }
}
