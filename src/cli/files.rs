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

    /// Returns whether a file is there already.
    pub fn exists(&self) -> bool {
        matches!(self, Location::File(path) if path.exists())
    }
}

/// Reads an encoded image of at most `limits.max_bytes`.
///
/// # Errors
/// [`CliError::File`], or [`CodecError::TooLarge`].
pub fn read(location: &Location, limits: &InputLimits) -> Result<Vec<u8>> {
    match location {
        Location::Standard => {
            let mut bytes = Vec::new();
            let limit = limits.max_bytes as u64 + 1;
            let result = io::stdin().lock().take(limit).read_to_end(&mut bytes);
            result.map_err(|error| CliError::file("read", Path::new("standard input"), error))?;
            limits.check_bytes(bytes.len() as u64)?;
            Ok(bytes)
        }
        Location::File(path) => {
            let failed = |error: io::Error| CliError::file("read", path, error);
            limits.check_bytes(fs::metadata(path).map_err(failed)?.len())?;
            fs::read(path).map_err(failed)
        }
    }
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

/// Writes `bytes` to a temporary file beside the output and renames it, so that the output is complete or absent.
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
        Location::File(path) => {
            let failed = |error: io::Error| CliError::file("write", path, error);
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            fs::create_dir_all(folder).map_err(failed)?;
            let mut builder = tempfile::Builder::new();
            let named = builder.prefix(".cameo-").suffix(".part");
            // Temporary files are private by default; a result gets the permissions of any other new file.
            #[cfg(unix)]
            let named = named.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
            let mut part = named.tempfile_in(folder).map_err(failed)?;
            part.write_all(bytes).map_err(failed)?;
            part.persist(path).map_err(|error| failed(error.error))?;
            Ok(())
        }
    }
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
