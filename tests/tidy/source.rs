//! Reading the project's own source.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the checkout.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Lists all files below `folder` with the extension `extension`, sorted. An empty list fails the test.
#[track_caller]
pub fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut folders = vec![project().join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "there are no .{extension} files in {folder}");
    found
}

/// The `src` folder of every package of the workspace, relative to the checkout.
pub fn source_folders() -> Vec<String> {
    let mut folders = vec!["src".to_string(), "models/src".into(), "shaders/src".into()];
    let crates = fs::read_dir(project().join("crates")).unwrap();
    folders.extend(crates.map(|entry| format!("crates/{}/src", entry.unwrap().file_name().to_string_lossy())));
    folders.sort();
    assert!(folders.len() > 8, "crates are missing: {folders:?}");
    folders
}

/// All Rust files of the workspace's packages, without their tests.
pub fn rust_files() -> Vec<PathBuf> {
    source_folders().iter().flat_map(|folder| files(folder, "rs")).collect()
}

/// Returns the code of a Rust file: without line comments, string literals and the unit tests at its end.
pub fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]").next().unwrap();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    without_strings(&lines.collect::<Vec<_>>().join("\n"))
}

/// Blanks string literals. Raw strings and character literals of a quote do not occur in this project's sources.
fn without_strings(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut in_string = false;
    let mut characters = code.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' if in_string => {
                characters.next();
            }
            '"' => {
                in_string = !in_string;
                out.push('"');
            }
            '\'' if !in_string => {
                out.push('\'');
                // A character literal may hold a quote.
                if characters.as_str().starts_with("\"'") {
                    characters.next();
                }
            }
            _ if !in_string => out.push(character),
            _ => {}
        }
    }
    out
}

/// Returns a path relative to the checkout, with forward slashes.
pub fn relative(path: &Path) -> String {
    path.strip_prefix(project()).unwrap().to_string_lossy().replace('\\', "/")
}

#[test]
fn strings_and_comments_are_not_code() {
    assert_eq!(without_strings(r#"let x = "a \" b"; y('"')"#), r#"let x = ""; y('')"#);
    let sizes = code(&project().join("tests/tidy/sizes.rs"));
    assert!(sizes.contains("fn files_are_short") && !sizes.contains("Files fit") && !sizes.contains("shaders/wgsl"));
}
