//! Packs the kit.

use std::fs;
use std::path::{Path, PathBuf};

use cameo_models::{Manifest, Network};
use serde::Deserialize;

use super::archive;
use crate::process::{cargo, output_of};
use crate::{files, project_folder};

/// The most bytes of a part, of 64 MiB that a transfer may have: it may carry a checkout too.
const MAX_PART_BYTES: usize = 52 << 20;

/// Names of the files in the parts. [`RUNNER`] is a copy of this program.
pub const RUNNER: &str = "gpu-kit";
pub const BASE: &str = "base.tar.zst";
pub const WEIGHT_PIECES: [&str; 2] = ["isnet.zst.1", "isnet.zst.2"];
pub const RIVAL: &str = "isnet_torch.py";

/// Names in the unpacked kit.
pub const CAMEO: &str = "cameo";
pub const GPU_TESTS: &str = "gpu-tests";
pub const LOADER_FOLDER: &str = "lib";

/// The Vulkan loader, for hosts that have a driver without one.
pub const LOADER: &str = "libvulkan.so.1";
const LIBRARY_FOLDERS: [&str; 4] =
    ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];

/// Folders and files of the project that the tests and the measurements read. IS-Net's weights are packed separately.
const DATA: [&str; 5] = ["models", "models/selftest", "samples", "tests/golden", "LICENSE-APACHE"];

/// Builds and packs the kit: `out/part-1` and `out/part-2`.
pub fn pack(out: &Path) -> Result<(), String> {
    let project = project_folder();
    let parts = ["part-1", "part-2"].map(|name| out.join(name));
    for part in &parts {
        if part.exists() {
            fs::remove_dir_all(part).map_err(|error| format!("cannot remove {}: {error}", part.display()))?;
        }
        files::create_folder(part)?;
        copy(&project.join("xtask/gpu-kit/run.sh"), &part.join("run.sh"))?;
    }
    let runner = std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
    copy(&runner, &parts[0].join(RUNNER))?;
    copy(&project.join("xtask/gpu-kit").join(RIVAL), &parts[1].join(RIVAL))?;

    let models = project.join("models");
    let manifest = Manifest::read(&models).map_err(|error| error.to_string())?;
    let isnet = manifest.entry(Network::IsNet).map_err(|error| error.to_string())?;
    let isnet = isnet.verified_path(&models).map_err(|error| error.to_string())?;
    let mut contents = build()?.to_vec();
    contents.extend(data(&project)?.into_iter().filter(|(file, _)| *file != isnet));
    match LIBRARY_FOLDERS.iter().map(|folder| Path::new(folder).join(LOADER)).find(|file| file.exists()) {
        Some(loader) => contents.push((loader, Path::new(LOADER_FOLDER).join(LOADER))),
        None => println!("{LOADER} is not on this machine, so the host must have it"),
    }
    archive::pack_files(&contents, &parts[0].join(BASE))?;

    // The weights of IS-Net fill the parts to the same size.
    let weights = archive::compress_weights(&files::read(&isnet)?)?;
    let sizes = [size(&parts[0])?, size(&parts[1])?];
    let first = (sizes.iter().sum::<usize>() + weights.len()).div_ceil(2).saturating_sub(sizes[0]).min(weights.len());
    files::write(&parts[0].join(WEIGHT_PIECES[0]), &weights[..first])?;
    files::write(&parts[1].join(WEIGHT_PIECES[1]), &weights[first..])?;
    for part in &parts {
        let size = size(part)?;
        println!("{}: {:.1} MiB", part.display(), size as f64 / f64::from(1 << 20));
        if size > MAX_PART_BYTES {
            return Err(format!("{} has more than {} MiB", part.display(), MAX_PART_BYTES >> 20));
        }
    }
    Ok(())
}

/// A line that cargo prints for each target it built.
#[derive(Deserialize)]
struct Artifact {
    target: Target,
    executable: Option<PathBuf>,
    profile: Profile,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

/// Builds the programs. Returns them with their names in the kit.
fn build() -> Result<[(PathBuf, PathBuf); 2], String> {
    // As for the tests: another selection of packages would select other features and compile everything once more.
    let mut build = cargo(&project_folder());
    build.args(["test", "--release", "--workspace", "--no-run", "--quiet", "--message-format=json-render-diagnostics"]);
    let lines = output_of(&mut build)?;
    find_programs(&String::from_utf8_lossy(&lines))
}

/// Finds the programs in the lines that cargo prints.
fn find_programs(lines: &str) -> Result<[(PathBuf, PathBuf); 2], String> {
    // Lines about other things have other fields.
    let artifacts: Vec<Artifact> = lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let find = |name: &str, kind: &str, test: bool| {
        let is_wanted = |artifact: &&Artifact| {
            artifact.target.name == name && artifact.target.kind == [kind] && artifact.profile.test == test
        };
        let found = artifacts.iter().find(is_wanted).and_then(|artifact| artifact.executable.clone());
        found.ok_or_else(|| format!("cargo built no program {name} ({kind})"))
    };
    Ok([(find("cameo", "bin", false)?, CAMEO.into()), (find("gpu", "test", true)?, GPU_TESTS.into())])
}

/// Returns the files of [`DATA`] with their paths in the project.
fn data(project: &Path) -> Result<Vec<(PathBuf, PathBuf)>, String> {
    let mut found = Vec::new();
    for name in DATA {
        let path = project.join(name);
        if path.is_file() {
            found.push((path, PathBuf::from(name)));
            continue;
        }
        let entries = fs::read_dir(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        for entry in entries.flatten().filter(|entry| entry.path().is_file()) {
            found.push((entry.path(), Path::new(name).join(entry.file_name())));
        }
    }
    Ok(found)
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    fs::copy(from, to).map_err(|error| format!("cannot copy {} to {}: {error}", from.display(), to.display()))?;
    Ok(())
}

/// Returns the size of the files in `folder`, in bytes.
fn size(folder: &Path) -> Result<usize, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    Ok(entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|data| data.len() as usize).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_among_what_cargo_prints() {
        let line = |name: &str, kind: &str, test: bool, file: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","target":{{"name":"{name}","kind":["{kind}"]}},"profile":{{"test":{test}}},"executable":"{file}"}}"#
            )
        };
        let lines = [
            r#"{"reason":"build-script-executed"}"#.into(),
            line("cameo", "bin", true, "unit tests"),
            line("cameo", "bin", false, "program"),
            line("gpu", "test", true, "tests"),
        ];
        let [program, tests] = find_programs(&lines.join("\n")).unwrap();
        assert_eq!((program.0, tests.0), (PathBuf::from("program"), PathBuf::from("tests")));
        assert!(find_programs(&lines[..3].join("\n")).unwrap_err().contains("gpu (test)"));
    }

    #[test]
    fn the_data_of_the_tests_and_the_licence_of_the_weights_are_packed() {
        let project = project_folder();
        let found: Vec<PathBuf> = data(&project).unwrap().into_iter().map(|(_, name)| name).collect();
        for name in ["models/manifest.toml", "models/selftest/portrait.png", "samples/astronaut.png", "LICENSE-APACHE"]
        {
            assert!(found.contains(&PathBuf::from(name)), "{name} is missing");
        }
        assert!(found.iter().any(|name| name.starts_with("tests/golden")));
    }
}
