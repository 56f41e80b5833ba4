//! Reading and writing images at a path, or at standard input and output. A result file is complete or absent.

use std::fs;
use std::io::{self, ErrorKind, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use cameo_core::codec::{self, CodecError, InputLimits};
use cameo_core::pipeline::PipelineError;

use super::error::{CliError, Result};
use super::output::DASH;
use super::paths::{destination, folder_of};
use super::temporary;

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
    let path = &destination(path);
    let folder = folder_of(path);
    fs::create_dir_all(folder)?;
    temporary::with_temporary_file(folder, |mut part| {
        if let Ok(existing) = fs::metadata(path) {
            part.as_file().set_permissions(existing.permissions())?;
        }
        // The file itself: errors of `part` name the temporary file, which means nothing to the user.
        part.as_file_mut().write_all(bytes)?;
        part.persist(path).map_err(|error| match error.error.kind() {
            ErrorKind::ResourceBusy => io::Error::other(
                "it is mounted by itself, as a volume of a container may be, and cannot be replaced: mount its folder",
            ),
            _ => error.error,
        })?;
        Ok(())
    })
}

/// Checks that results can be written into `folder`, or where it would be created. Leaves nothing there, and removes what
/// killed processes left.
///
/// # Errors
/// [`CliError::File`].
pub fn check_folder(folder: &Path) -> Result<()> {
    let existing = folder.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    let existing = if existing.as_os_str().is_empty() { Path::new(".") } else { existing };
    temporary::remove_abandoned(existing);
    let checked = temporary::with_temporary_file(existing, |_| Ok(()));
    checked.map_err(|error| CliError::file("write to the folder", existing, error))
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
