//! Inputs and outputs of a command: files, folders, globs and `-`; and writing a result so that it is whole or absent.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use crate::codec::Format;
use crate::error::{Error, Result};

/// Standard input or output.
const DASH: &str = "-";

/// File endings taken from folders; a file named outright may have any.
const ENDINGS: [&str; 9] = ["jpg", "jpeg", "png", "webp", "tif", "tiff", "bmp", "gif", "jfif"];

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    Standard,
    File(PathBuf),
}

impl Place {
    /// For messages and JSON.
    pub fn name(&self) -> String {
        match self {
            Place::Standard => DASH.into(),
            Place::File(path) => path.display().to_string(),
        }
    }
}

/// One image to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errand {
    pub input: Place,
    pub output: Place,
}

/// An input and its name below the output folder, without the ending.
struct Found {
    input: Place,
    name: PathBuf,
}

/// The errands for `inputs` and `output`, and the format they are written in.
///
/// One file goes to `output` itself, unless that is a folder; folders, globs and several files go into it.
///
/// # Errors
/// [`Error::BadRecipe`] if an input is not there or the output does not fit.
pub fn plan(inputs: &[String], output: &str, format: Option<Format>) -> Result<(Vec<Errand>, Format)> {
    let mut found = Vec::new();
    let mut many = inputs.len() > 1;
    for input in inputs {
        many |= find(input, &mut found)?;
    }
    if found.is_empty() {
        return Err(Error::BadRecipe(format!("no images were found in {}", inputs.join(", "))));
    }
    if output == DASH {
        return match found.len() {
            1 => {
                let errand = Errand { input: found.remove(0).input, output: Place::Standard };
                Ok((vec![errand], format.unwrap_or_default()))
            }
            count => Err(Error::BadRecipe(format!("{count} images do not fit on standard output: use -o FOLDER"))),
        };
    }
    let path = PathBuf::from(output);
    if many || path.is_dir() || output.ends_with('/') {
        if path.is_file() {
            return Err(Error::BadRecipe(format!("{output} is a file: several images need a folder, use -o FOLDER")));
        }
        let format = format.unwrap_or_default();
        return Ok((into_folder(found, &path, format), format));
    }
    let format = agree(&path, format)?;
    Ok((vec![Errand { input: found.remove(0).input, output: Place::File(path) }], format))
}

/// The format of one named output file: what was asked for, else what its ending says.
fn agree(path: &Path, format: Option<Format>) -> Result<Format> {
    let ending = path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
    let by_ending = ending.as_deref().and_then(|ending| ending.parse::<Format>().ok());
    match (format, by_ending, ending) {
        (Some(asked), Some(named), _) if asked != named => Err(Error::BadRecipe(format!(
            "{} ends in .{named} but --format is {asked}: change one of them",
            path.display()
        ))),
        (Some(asked), _, _) => Ok(asked),
        (None, Some(named), _) => Ok(named),
        (None, None, Some(ending)) => {
            Err(Error::BadRecipe(format!("a cut-out cannot be written as .{ending}: end the output in .png or .webp")))
        }
        (None, None, None) => Ok(Format::default()),
    }
}

/// Adds what `input` names; true if it stands for several images even if only one is there.
fn find(input: &str, found: &mut Vec<Found>) -> Result<bool> {
    if input == DASH {
        found.push(Found { input: Place::Standard, name: "stdin".into() });
        return Ok(false);
    }
    let path = PathBuf::from(input);
    if path.is_dir() {
        walk(&path, Path::new(""), found)?;
        return Ok(true);
    }
    // A file may have brackets in its name: what exists is taken as it is.
    if path.exists() || !input.contains(['*', '?', '[']) {
        if !path.exists() {
            return Err(Error::BadRecipe(format!("there is no file {input}")));
        }
        let name = path.file_stem().map(PathBuf::from).unwrap_or_default();
        found.push(Found { input: Place::File(path), name });
        return Ok(false);
    }
    let matches = glob::glob(input).map_err(|error| Error::BadRecipe(format!("{input} is not a pattern: {error}")))?;
    let mut files: Vec<PathBuf> = matches.filter_map(std::result::Result::ok).filter(|path| path.is_file()).collect();
    files.sort();
    if files.is_empty() {
        return Err(Error::BadRecipe(format!("no file matches {input}")));
    }
    for file in files {
        let name = file.file_stem().map(PathBuf::from).unwrap_or_default();
        found.push(Found { input: Place::File(file), name });
    }
    Ok(true)
}

/// Adds the images below `folder`, in order of their names.
fn walk(folder: &Path, below: &Path, found: &mut Vec<Found>) -> Result<()> {
    let entries = fs::read_dir(folder).map_err(|error| Error::file("read the folder", folder, error))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.sort();
    for path in paths {
        let Some(name) = path.file_name() else { continue };
        // A link to a folder above would never end.
        if path.is_dir() && !path.is_symlink() {
            walk(&path, &below.join(name), found)?;
            continue;
        }
        let ending = path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
        if path.is_file() && ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str())) {
            let name = below.join(path.file_stem().unwrap_or_default());
            found.push(Found { input: Place::File(path), name });
        }
    }
    Ok(())
}

/// Names below `folder`: the input's with another ending; in full where two inputs would share it.
fn into_folder(found: Vec<Found>, folder: &Path, format: Format) -> Vec<Errand> {
    let mut uses: HashMap<PathBuf, usize> = HashMap::new();
    for one in &found {
        *uses.entry(one.name.clone()).or_default() += 1;
    }
    let mut taken: HashMap<PathBuf, usize> = HashMap::new();
    let errand = |one: Found| {
        let mut name = one.name.clone().into_os_string();
        if uses[&one.name] > 1
            && let Place::File(path) = &one.input
            && let Some(ending) = path.extension()
        {
            name.push(".");
            name.push(ending);
        }
        // Files of one name from several folders.
        let count = taken.entry(PathBuf::from(&name)).or_default();
        *count += 1;
        if *count > 1 {
            name.push(format!("-{count}"));
        }
        name.push(format!(".{format}"));
        Errand { input: one.input, output: Place::File(folder.join(name)) }
    };
    found.into_iter().map(errand).collect()
}

/// The bytes of an input, no more than `max_bytes`.
pub fn read(place: &Place, max_bytes: usize) -> Result<Vec<u8>> {
    let too_large = |bytes: u64| Error::TooLarge(format!("it has {bytes} bytes, the limit is {max_bytes}"));
    match place {
        Place::Standard => {
            let mut bytes = Vec::new();
            let limit = max_bytes as u64 + 1;
            let path = Path::new("standard input");
            let read = io::stdin().lock().take(limit).read_to_end(&mut bytes);
            read.map_err(|error| Error::file("read", path, error))?;
            if bytes.len() > max_bytes { Err(too_large(bytes.len() as u64)) } else { Ok(bytes) }
        }
        Place::File(path) => {
            let failed = |error: io::Error| Error::file("read", path, error);
            let length = fs::metadata(path).map_err(failed)?.len();
            if length > max_bytes as u64 {
                return Err(too_large(length));
            }
            fs::read(path).map_err(failed)
        }
    }
}

/// Writes `bytes` whole or not at all: to a temporary file beside the output, then renamed over it.
pub fn write(place: &Place, bytes: &[u8]) -> Result<()> {
    match place {
        Place::Standard => {
            let mut out = io::stdout().lock();
            let written = out.write_all(bytes).and_then(|()| out.flush());
            written.map_err(|error| Error::file("write to", Path::new("standard output"), error))
        }
        Place::File(path) => {
            let failed = |error: io::Error| Error::file("write", path, error);
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            fs::create_dir_all(folder).map_err(failed)?;
            let mut builder = tempfile::Builder::new();
            let named = builder.prefix(".cameo-").suffix(".part");
            // What other programs make is readable to others too; a temporary file by itself is not.
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
pub fn check_standard_output() -> Result<()> {
    match io::stdout().is_terminal() {
        true => Err(Error::BadRecipe(
            "image bytes are not written to a terminal: send standard output to a file or a program, or use -o FILE"
                .into(),
        )),
        false => Ok(()),
    }
}
