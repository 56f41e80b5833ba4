//! The images that a command processes, and where each result goes.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use cameo_core::codec::Format;

use super::error::{CliError, Result};
use super::files::{DASH, Location};
use super::inputs::{Input, has_image_extension, lowercase_extension};

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
/// [`CliError::Usage`] if there are no inputs, or the output does not fit them.
pub fn batch_items(
    inputs: Vec<Input>,
    several: bool,
    output: &OsStr,
    format: Option<Format>,
) -> Result<(Vec<BatchItem>, Format)> {
    if output == DASH {
        let [input] = <[Input; 1]>::try_from(inputs).map_err(|inputs| {
            CliError::Usage(format!("{} images do not fit on standard output: use -o FOLDER", inputs.len()))
        })?;
        let item = BatchItem { input: input.location, output: Location::Standard };
        return Ok((vec![item], format.unwrap_or_default()));
    }
    let path = PathBuf::from(output);
    let names_folder = path.is_dir() || output.to_string_lossy().ends_with(std::path::is_separator);
    if several || names_folder {
        if !names_folder && (path.exists() || has_image_extension(&path)) {
            let path = path.display();
            return Err(CliError::Usage(format!("{path} is a file, several images need a folder: use -o FOLDER")));
        }
        let format = format.unwrap_or_default();
        return Ok((outputs_in_folder(inputs, &path, format), format));
    }
    let format = format_of_file(&path, format)?;
    let item = |input: Input| BatchItem { input: input.location, output: Location::File(path.clone()) };
    Ok((inputs.into_iter().map(item).collect(), format))
}

/// Returns the outputs of `items` that are the files of photos, whatever the two are called, each with its photo.
pub fn photos_in_the_way(items: &[BatchItem]) -> HashMap<Location, Location> {
    let file = |location: &Location| match location {
        Location::File(path) if !location.is_stream() => fs::canonicalize(path).ok(),
        Location::File(_) | Location::Standard => None,
    };
    let photos: HashMap<PathBuf, &Location> =
        items.iter().filter_map(|item| Some((file(&item.input)?, &item.input))).collect();
    let photo_at = |output: &Location| photos.get(&file(output)?).copied();
    items.iter().filter_map(|item| Some((item.output.clone(), photo_at(&item.output)?.clone()))).collect()
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
