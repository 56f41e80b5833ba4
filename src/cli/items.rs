//! The images that a command processes: files, folders, patterns and `-` as inputs, and where each result goes.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use cameo_core::codec::Format;

use super::error::{CliError, Result};
use super::files::{DASH, Location};

/// File extensions that are taken from folders. A file that is named directly may have any.
const EXTENSIONS: [&str; 9] = ["jpg", "jpeg", "png", "webp", "tif", "tiff", "bmp", "gif", "jfif"];

/// One image to process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchItem {
    pub input: Location,
    pub output: Location,
}

/// An input, and its name below the output folder without the extension.
struct Input {
    location: Location,
    name: PathBuf,
}

/// Lists the items for `inputs` and `output`, and returns the format that all of them are written in.
///
/// A single file is written to `output` itself, unless that is a folder. Folders, patterns and several files are written
/// below it.
///
/// # Errors
/// [`CliError::Usage`] if an input does not exist, or the output does not fit the inputs.
pub fn batch_items(inputs: &[String], output: &str, format: Option<Format>) -> Result<(Vec<BatchItem>, Format)> {
    let mut found = Vec::new();
    let mut several = inputs.len() > 1;
    for input in inputs {
        several |= find(input, &mut found)?;
    }
    if found.is_empty() {
        return Err(CliError::Usage(format!("there are no images in {}", inputs.join(", "))));
    }
    if output == DASH {
        let [input] = <[Input; 1]>::try_from(found).map_err(|found| {
            CliError::Usage(format!("{} images do not fit on standard output: use -o FOLDER", found.len()))
        })?;
        let item = BatchItem { input: input.location, output: Location::Standard };
        return Ok((vec![item], format.unwrap_or_default()));
    }
    let path = PathBuf::from(output);
    if several || path.is_dir() || output.ends_with('/') {
        if path.is_file() {
            return Err(CliError::Usage(format!("{output} is a file, several images need a folder: use -o FOLDER")));
        }
        let format = format.unwrap_or_default();
        return Ok((outputs_in_folder(found, &path, format), format));
    }
    let format = format_of_file(&path, format)?;
    let item = BatchItem { input: found.remove(0).location, output: Location::File(path) };
    Ok((vec![item], format))
}

/// Returns the format of a single output file: the one of `--format`, else that of its extension.
fn format_of_file(path: &Path, format: Option<Format>) -> Result<Format> {
    let extension = path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
    let by_extension = extension.as_deref().and_then(|extension| extension.parse::<Format>().ok());
    match (format, by_extension, extension) {
        (Some(format), Some(other), _) if format != other => Err(CliError::Usage(format!(
            "{} ends in .{other} but --format is {format}: change one of them",
            path.display()
        ))),
        (Some(format), _, _) => Ok(format),
        (None, Some(format), _) => Ok(format),
        (None, None, Some(extension)) => {
            Err(CliError::Usage(format!("results cannot be written as .{extension}: end the output in .png or .webp")))
        }
        (None, None, None) => Ok(Format::default()),
    }
}

/// Adds the images that `input` names. Returns whether it can name several, even if it names only one now.
fn find(input: &str, found: &mut Vec<Input>) -> Result<bool> {
    if input == DASH {
        found.push(Input { location: Location::Standard, name: "stdin".into() });
        return Ok(false);
    }
    let path = PathBuf::from(input);
    if path.is_dir() {
        find_below(&path, Path::new(""), found)?;
        return Ok(true);
    }
    // The name of a file may contain brackets: what exists is not a pattern.
    if path.exists() || !input.contains(['*', '?', '[']) {
        if !path.exists() {
            return Err(CliError::Usage(format!("there is no file {input}")));
        }
        found.push(named_input(path));
        return Ok(false);
    }
    let matches = glob::glob(input).map_err(|error| CliError::Usage(format!("{input} is not a pattern: {error}")))?;
    let mut files: Vec<PathBuf> = matches.filter_map(std::result::Result::ok).filter(|path| path.is_file()).collect();
    files.sort();
    if files.is_empty() {
        return Err(CliError::Usage(format!("no file matches {input}")));
    }
    found.extend(files.into_iter().map(named_input));
    Ok(true)
}

fn named_input(path: PathBuf) -> Input {
    let name = path.file_stem().map(PathBuf::from).unwrap_or_default();
    Input { location: Location::File(path), name }
}

/// Adds the images below `folder`, ordered by name; `relative` is the folder's path below the input.
fn find_below(folder: &Path, relative: &Path, found: &mut Vec<Input>) -> Result<()> {
    let entries = fs::read_dir(folder).map_err(|error| CliError::file("read the folder", folder, error))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.sort();
    for path in paths {
        let Some(name) = path.file_name() else { continue };
        // A link to a parent folder would never end.
        if path.is_dir() && !path.is_symlink() {
            find_below(&path, &relative.join(name), found)?;
            continue;
        }
        let extension = path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
        if path.is_file() && extension.is_some_and(|extension| EXTENSIONS.contains(&extension.as_str())) {
            let name = relative.join(path.file_stem().unwrap_or_default());
            found.push(Input { location: Location::File(path), name });
        }
    }
    Ok(())
}

/// Names the outputs below `folder`: the input's name with another extension, after the input's whole file name where
/// two inputs would share it.
fn outputs_in_folder(inputs: Vec<Input>, folder: &Path, format: Format) -> Vec<BatchItem> {
    let mut uses: HashMap<PathBuf, usize> = HashMap::new();
    for input in &inputs {
        *uses.entry(input.name.clone()).or_default() += 1;
    }
    let mut taken: HashMap<PathBuf, usize> = HashMap::new();
    let item = |input: Input| {
        let mut name = input.name.clone().into_os_string();
        if uses[&input.name] > 1
            && let Location::File(path) = &input.location
            && let Some(extension) = path.extension()
        {
            name.push(".");
            name.push(extension);
        }
        // Files with the same name from several folders are numbered.
        let count = taken.entry(PathBuf::from(&name)).or_default();
        *count += 1;
        if *count > 1 {
            name.push(format!("-{count}"));
        }
        name.push(format!(".{format}"));
        BatchItem { input: input.location, output: Location::File(folder.join(name)) }
    };
    inputs.into_iter().map(item).collect()
}
