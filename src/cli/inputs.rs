//! The photos that a command line names: files, folders, patterns and `-`.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::error::{CliError, Result};
use super::files::Location;
use super::output::{DASH, Output};
use super::paths::{FileId, folder_of};
use super::pattern;

/// File extensions that are taken from folders. A file that is named directly may have any.
const EXTENSIONS: [&str; 13] =
    ["jpg", "jpeg", "jpe", "jfif", "pjpeg", "pjp", "png", "webp", "tif", "tiff", "bmp", "dib", "gif"];

/// Extensions of pictures that Cameo cannot read. Folders may hold them, so the user is told that they were left out.
const UNREADABLE_EXTENSIONS: [&str; 39] = [
    "heic", "heics", "heif", "heifs", "hif", "avif", "avifs", "jxl", "jp2", "j2k", "jpf", "jpx", "psd", "psb", "svg",
    "pdf", "tga", "ppm", "pgm", "pbm", "pnm", "exr", "hdr", "dng", "cr2", "cr3", "crw", "nef", "nrw", "arw", "sr2",
    "orf", "raf", "rw2", "raw", "srw", "pef", "x3f", "3fr",
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
    /// Arguments that name nothing, and folders that cannot be read.
    pub failed: Vec<(PathBuf, CliError)>,
    /// How many files of each other image format were left out, by their extension.
    left_out: BTreeMap<String, usize>,
    /// Links to folders, which are not followed: through a link to a parent folder, the search would never end.
    links: Vec<PathBuf>,
    /// The folder that results are written to, if it exists. Its files are not taken for photos.
    output_folder: Option<FileId>,
}

impl Inputs {
    /// Finds the photos that `arguments` name, for results that are written to `output`.
    ///
    /// # Errors
    /// [`CliError::Usage`] if results would be written into the folder that several photos are taken from.
    pub fn find(arguments: &[OsString], output: &Output) -> Result<Self> {
        let output_folder = output.path().filter(|path| path.is_dir()).and_then(FileId::of);
        let mut inputs = Self { several: arguments.len() > 1, output_folder, ..Self::default() };
        for argument in arguments {
            inputs.add(argument)?;
        }
        Ok(inputs)
    }

    /// Returns sentences about what a search passed over.
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
        if [DASH, "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"].iter().any(|name| argument == *name) {
            self.found.push(Input { location: Location::Standard, name: "stdin".into() });
            return Ok(());
        }
        let path = PathBuf::from(argument);
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => {
                self.several = true;
                self.check_folder_of_photos(&path)?;
                self.add_folder(&path, Path::new(""));
            }
            Ok(_) => self.add_named(path)?,
            // The name of a file may contain brackets: what exists is not a pattern.
            Err(_) if pattern::is_pattern(argument) && !path.is_symlink() => self.add_pattern(&path)?,
            Err(error) => self.fail(path, error),
        }
        Ok(())
    }

    /// Adds the files that match a pattern.
    fn add_pattern(&mut self, pattern: &Path) -> Result<()> {
        let shown = pattern.display();
        let matches = match pattern::find(pattern, |folder| self.is_output_folder(folder)) {
            Ok(matches) => matches,
            Err(error) => {
                let error = CliError::Usage(format!("{shown} is not a pattern: {error}"));
                self.failed.push((pattern.into(), error));
                return Ok(());
            }
        };
        if matches.files.is_empty() && matches.unreadable.is_empty() {
            self.failed.push((pattern.into(), CliError::Usage(format!("no file matches {shown}"))));
        }
        self.several = true;
        self.links.extend(matches.links);
        for (folder, error) in matches.unreadable {
            self.fail_folder(folder, error);
        }
        matches.files.into_iter().try_for_each(|file| self.add_named(file))
    }

    /// Adds a file whatever its extension.
    fn add_named(&mut self, path: PathBuf) -> Result<()> {
        if self.several {
            self.check_folder_of_photos(folder_of(&path))?;
        }
        let name = path.file_stem().map(PathBuf::from).unwrap_or_default();
        self.found.push(Input { location: Location::File(path), name });
        Ok(())
    }

    /// Refuses to take photos from the folder that results are written to: the next run would take those for photos.
    fn check_folder_of_photos(&self, folder: &Path) -> Result<()> {
        match self.is_output_folder(folder) {
            true => Err(CliError::Usage(format!(
                "the results would lie among the photos of {}: choose another folder with -o",
                folder.display()
            ))),
            false => Ok(()),
        }
    }

    /// Adds the images below `folder`, ordered by name; `relative` is the folder's path below the argument.
    fn add_folder(&mut self, folder: &Path, relative: &Path) {
        let read = || {
            fs::read_dir(folder)?.map(|entry| entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)))).collect()
        };
        let mut entries: Vec<(PathBuf, fs::FileType)> = match read() {
            Ok(entries) => entries,
            Err(error) => return self.fail_folder(folder.into(), error),
        };
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (path, kind) in entries {
            let Some(name) = path.file_name() else { continue };
            if kind.is_dir() {
                if name != "__MACOSX" && !self.is_output_folder(&path) {
                    self.add_folder(&path, &relative.join(name));
                }
            } else if kind.is_symlink() && path.is_dir() {
                self.links.push(path);
            } else if kind.is_file()
                || (kind.is_symlink() && fs::metadata(&path).map_or(true, |target| target.is_file()))
            {
                // A link to nothing is added too: reading it will tell.
                self.add_file(path, relative);
            }
        }
    }

    /// Adds a file of a folder if it is an image.
    fn add_file(&mut self, path: PathBuf, relative: &Path) {
        // What macOS stores beside each file on other systems' disks has the file's name behind these characters.
        let is_resource_fork = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"._"));
        let Some(extension) = lowercase_extension(&path).filter(|_| !is_resource_fork) else { return };
        if EXTENSIONS.contains(&extension.as_str()) {
            let name = relative.join(path.file_stem().unwrap_or_default());
            self.found.push(Input { location: Location::File(path), name });
        } else if UNREADABLE_EXTENSIONS.contains(&extension.as_str()) {
            *self.left_out.entry(extension).or_default() += 1;
        }
    }

    fn is_output_folder(&self, folder: &Path) -> bool {
        self.output_folder.is_some() && FileId::of(folder) == self.output_folder
    }

    /// Records an argument that cannot be read, with the reason.
    fn fail(&mut self, path: PathBuf, error: io::Error) {
        let shown = path.display();
        let error = match error.kind() {
            ErrorKind::NotFound if path.is_symlink() => CliError::Usage(format!("the link {shown} leads to no file")),
            ErrorKind::NotFound => CliError::Usage(format!("there is no file {shown}")),
            _ => CliError::file("read", &path, error),
        };
        self.failed.push((path, error));
    }

    fn fail_folder(&mut self, folder: PathBuf, error: io::Error) {
        let error = CliError::file("read the folder", &folder, error);
        self.failed.push((folder, error));
    }
}

/// Returns whether `path` has the extension of an image.
pub fn has_image_extension(path: &Path) -> bool {
    lowercase_extension(path).is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()))
}

pub fn lowercase_extension(path: &Path) -> Option<String> {
    path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase)
}
