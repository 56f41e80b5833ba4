//! The images that a command processes, and where each result goes.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use cameo_core::codec::Format;

use super::error::{CliError, Result};
use super::files::Location;
use super::inputs::{Input, has_image_extension, lowercase_extension};
use super::output::Output;
use super::paths::{FileId, destination};

/// One image to process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchItem {
    pub input: Location,
    pub output: Location,
}

/// Names the result of each of `inputs`, and returns the format that all of them are written in.
///
/// A single file is written to `output` itself, unless that is a folder. Folders, patterns and several files are written
/// below it.
///
/// # Errors
/// [`CliError::Usage`] if the output does not fit the inputs.
pub fn batch_items(
    inputs: Vec<Input>,
    several: bool,
    output: &Output,
    format: Option<Format>,
) -> Result<(Vec<BatchItem>, Format)> {
    let (path, is_folder) = match output {
        Output::Standard if inputs.len() > 1 => {
            let count = inputs.len();
            return Err(CliError::Usage(format!("{count} images do not fit on standard output: use -o FOLDER")));
        }
        Output::Standard => {
            let item = |input: Input| BatchItem { input: input.location, output: Location::Standard };
            return Ok((inputs.into_iter().map(item).collect(), format.unwrap_or_default()));
        }
        Output::Folder(path) => (path, true),
        Output::FileOrFolder(path) if several && (path.exists() || has_image_extension(path)) => {
            let path = path.display();
            return Err(CliError::Usage(format!("{path} is a file, several images need a folder: use -o FOLDER")));
        }
        Output::FileOrFolder(path) => (path, several),
    };
    if is_folder {
        let format = format.unwrap_or_default();
        return Ok((outputs_in_folder(inputs, path, format), format));
    }
    let format = format_of_file(path, format)?;
    let item = |input: Input| BatchItem { input: input.location, output: Location::File(path.clone()) };
    Ok((inputs.into_iter().map(item).collect(), format))
}

/// Returns the outputs of `items` that cannot be written whatever `--overwrite` says, each with the reason: they are
/// photos of the batch, whatever the two are called, or folders.
pub fn obstacles(items: &[BatchItem]) -> HashMap<Location, String> {
    let file = |location: &Location| match location {
        Location::File(path) if !location.is_stream() => Some(destination(path)),
        Location::File(_) | Location::Standard => None,
    };
    let photos: HashMap<FileId, &Location> =
        items.iter().filter_map(|item| Some((FileId::of(&file(&item.input)?)?, &item.input))).collect();
    let obstacle = |output: &Location| {
        let path = file(output)?;
        if path.is_dir() {
            return Some(format!("the result would replace the folder {}: choose another -o", output.name()));
        }
        let photo = photos.get(&FileId::of(&path)?)?.name();
        Some(format!("the result would overwrite the photo {photo}: choose another -o"))
    };
    items.iter().filter_map(|item| Some((item.output.clone(), obstacle(&item.output)?))).collect()
}

/// Returns the format of a single output file: the one of `--format`, else that of its extension.
fn format_of_file(path: &Path, format: Option<Format>) -> Result<Format> {
    let extension = lowercase_extension(path);
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

/// Names the outputs below `folder`: the input's name with another extension, after the input's whole file name where
/// two inputs would share it.
fn outputs_in_folder(inputs: Vec<Input>, folder: &Path, format: Format) -> Vec<BatchItem> {
    let mut uses: HashMap<PathBuf, usize> = HashMap::new();
    for input in &inputs {
        *uses.entry(input.name.clone()).or_default() += 1;
    }
    let mut taken: HashSet<PathBuf> = HashSet::new();
    let mut counts: HashMap<PathBuf, usize> = HashMap::new();
    let item = |input: Input| {
        let mut name = input.name.clone().into_os_string();
        if uses[&input.name] > 1
            && let Location::File(path) = &input.location
            && let Some(extension) = path.extension()
        {
            name.push(".");
            name.push(extension);
        }
        // Files with the same name from several folders are numbered; another file may be called like a numbered one.
        let count = counts.entry(PathBuf::from(&name)).or_insert(1);
        let mut numbered = name.clone();
        while !taken.insert(PathBuf::from(&numbered)) {
            *count += 1;
            numbered.clone_from(&name);
            numbered.push(format!("-{count}"));
        }
        numbered.push(format!(".{format}"));
        BatchItem { input: input.location, output: Location::File(folder.join(numbered)) }
    };
    inputs.into_iter().map(item).collect()
}
