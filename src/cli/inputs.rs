//! The photos that a command line names: files, folders, patterns and `-`.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use super::error::{CliError, Result};
use super::files::{DASH, Location};

/// File extensions that are taken from folders. A file that is named directly may have any.
const EXTENSIONS: [&str; 9] = ["jpg", "jpeg", "png", "webp", "tif", "tiff", "bmp", "gif", "jfif"];

/// Extensions of pictures that Cameo cannot read. Folders may hold them, so the user is told that they were left out.
const UNREADABLE_EXTENSIONS: [&str; 17] = [
    "heic", "heif", "avif", "jxl", "jp2", "j2k", "psd", "svg", "dng", "cr2", "cr3", "nef", "arw", "orf", "raf", "rw2",
    "raw",
];

/// A photo, and its name below the output folder without the extension.
pub struct Input {
    pub location: Location,
    pub name: PathBuf,
}

/// What was found for the arguments of a command.
#[derive(Default)]
pub struct Inputs {
    pub found: Vec<Input>,
    /// Whether the arguments can name several photos, even if they name only one now.
    pub several: bool,
    /// Folders that cannot be read.
    pub unreadable: Vec<(PathBuf, CliError)>,
    /// How many files of each other image format were left out, by their extension.
    pub left_out: BTreeMap<String, usize>,
    /// Links to folders, which are not followed: through a link to a parent folder, the search would never end.
    pub links: Vec<PathBuf>,
    /// The folder that results are written to, if it exists. Its files are not taken for photos.
    output_folder: Option<PathBuf>,
}

impl Inputs {
    /// Finds the photos that `arguments` name, for results that are written to `output`.
    ///
    /// # Errors
    /// [`CliError::Usage`] if an argument names nothing, or a folder is its own output folder.
    pub fn find(arguments: &[OsString], output: &Path) -> Result<Self> {
        let output_folder = output.is_dir().then(|| fs::canonicalize(output).ok()).flatten();
        let mut inputs = Self { several: arguments.len() > 1, output_folder, ..Self::default() };
        for argument in arguments {
            inputs.add(argument)?;
        }
        Ok(inputs)
    }

    /// Returns sentences about what was not taken from folders.
    pub fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> =
            self.links.iter().map(|link| format!("the link {} to a folder was not followed", link.display())).collect();
        if !self.left_out.is_empty() {
            let counts: Vec<String> =
                self.left_out.iter().map(|(extension, count)| format!("{count} .{extension}")).collect();
            notes.push(format!(
                "left out {}: Cameo does not read these formats, save them as JPEG or PNG",
                counts.join(", ")
            ));
        }
        notes
    }

    fn add(&mut self, argument: &OsStr) -> Result<()> {
        if argument == DASH {
            self.found.push(Input { location: Location::Standard, name: "stdin".into() });
            return Ok(());
        }
        let path = PathBuf::from(argument);
        if path.is_dir() {
            self.several = true;
            if self.is_output_folder(&path) {
                return Err(CliError::Usage(format!(
                    "the results would lie among the photos of {}: choose another folder with -o",
                    path.display()
                )));
            }
            self.add_folder(&path, Path::new(""));
            return Ok(());
        }
        // The name of a file may contain brackets: what exists is not a pattern.
        let pattern = argument.to_str().filter(|name| name.contains(['*', '?', '[']) && !path.exists());
        let Some(pattern) = pattern else {
            if !path.exists() {
                return Err(CliError::Usage(format!("there is no file {}", path.display())));
            }
            self.found.push(named_input(path));
            return Ok(());
        };
        let invalid = |error| CliError::Usage(format!("{pattern} is not a pattern: {error}"));
        let matches = glob::glob(&escape_existing(Path::new(pattern))).map_err(invalid)?;
        let mut files: Vec<PathBuf> = matches.flatten().filter(|path| path.is_file()).collect();
        files.sort();
        if files.is_empty() {
            return Err(CliError::Usage(format!("no file matches {pattern}")));
        }
        self.several = true;
        self.found.extend(files.into_iter().map(named_input));
        Ok(())
    }

    /// Adds the images below `folder`, ordered by name; `relative` is the folder's path below the argument.
    fn add_folder(&mut self, folder: &Path, relative: &Path) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                self.unreadable.push((folder.into(), CliError::file("read the folder", folder, error)));
                return;
            }
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let Some(name) = path.file_name() else { continue };
            match path.is_dir() {
                true if path.is_symlink() => self.links.push(path),
                true if name == "__MACOSX" || self.is_output_folder(&path) => {}
                true => self.add_folder(&path, &relative.join(name)),
                false => self.add_file(path, relative),
            }
        }
    }

    /// Adds a file of a folder if it is an image.
    fn add_file(&mut self, path: PathBuf, relative: &Path) {
        // What macOS stores beside each file on other systems' disks has the file's name behind these characters.
        let is_resource_fork = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"._"));
        let Some(extension) = lowercase_extension(&path).filter(|_| !is_resource_fork && path.is_file()) else {
            return;
        };
        if EXTENSIONS.contains(&extension.as_str()) {
            let name = relative.join(path.file_stem().unwrap_or_default());
            self.found.push(Input { location: Location::File(path), name });
        } else if UNREADABLE_EXTENSIONS.contains(&extension.as_str()) {
            *self.left_out.entry(extension).or_default() += 1;
        }
    }

    fn is_output_folder(&self, folder: &Path) -> bool {
        self.output_folder.is_some() && fs::canonicalize(folder).ok() == self.output_folder
    }
}

/// Returns whether `path` has the extension of an image.
pub fn has_image_extension(path: &Path) -> bool {
    lowercase_extension(path).is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()))
}

pub fn lowercase_extension(path: &Path) -> Option<String> {
    path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase)
}

fn named_input(path: PathBuf) -> Input {
    let name = path.file_stem().map(PathBuf::from).unwrap_or_default();
    Input { location: Location::File(path), name }
}

/// Returns `pattern` with the part of its path that exists escaped: it may contain brackets.
fn escape_existing(pattern: &Path) -> String {
    let existing = pattern.ancestors().find(|path| path.exists()).unwrap_or(Path::new(""));
    let rest = pattern.strip_prefix(existing).unwrap_or(pattern);
    match existing.as_os_str().is_empty() {
        true => rest.display().to_string(),
        false => Path::new(&glob::Pattern::escape(&existing.display().to_string())).join(rest).display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_of_a_folder_that_exists_are_no_pattern() {
        let folder = tempfile::tempdir().unwrap();
        let shoot = folder.path().join("shoot [2024]");
        fs::create_dir(&shoot).unwrap();
        fs::write(shoot.join("a.jpg"), "").unwrap();
        let inputs = Inputs::find(&[shoot.join("*.jpg").into()], Path::new("out")).unwrap();
        assert_eq!(inputs.found[0].location, Location::File(shoot.join("a.jpg")));
        assert!(inputs.several);
        assert_eq!(escape_existing(Path::new("none [1]/*.jpg")), "none [1]/*.jpg");
    }
}
