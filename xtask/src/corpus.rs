//! `cargo xtask corpus FOLDER`: compares how Cameo and Pillow decode the pictures of a folder, such as the test suites
//! of image libraries.

use std::path::Path;

use crate::process::{cargo, run};
use crate::{project_folder, python};

/// The packages that the comparison imports.
const PACKAGES: [&str; 2] = ["numpy==1.26.4", "pillow==13.0.0"];

pub fn corpus(folder: &Path) -> Result<(), String> {
    let folder = folder.canonicalize().map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    let python = python::with("corpus", &PACKAGES)?;
    let mut test = cargo(&project_folder());
    // All of the workspace, because fewer packages would be compiled with fewer features.
    test.args(["test", "--release", "--workspace", "--test", "cpu", "--", "--ignored", "--nocapture", "of_a_corpus"]);
    run(test.env("CAMEO_CORPUS", folder).env("CAMEO_TEST_PYTHON", python))
}
