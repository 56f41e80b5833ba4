//! The fuzz targets and where their first inputs are.

/// A program of the folder `fuzz`.
pub struct Target {
    pub name: &'static str,
    /// The folders of its first inputs, relative to the project.
    pub seeds: &'static [&'static str],
}

macro_rules! target {
    ($name:literal $(, $seeds:literal)*) => {
        Target { name: $name, seeds: &[concat!("fuzz/seeds/", $name) $(, $seeds)*] }
    };
}

/// Each target has a folder of seeds. Some share those of others, or the inputs of the tests.
pub const TARGETS: &[Target] = &[
    target!("decode_jpeg", "tests/cpu/inputs"),
    target!("decode_png"),
    target!("decode_webp", "tests/cpu/inputs"),
    target!("decode_tiff"),
    target!("decode_bmp"),
    target!("decode_gif"),
    Target {
        name: "header",
        seeds: &[
            "fuzz/seeds/decode_jpeg",
            "fuzz/seeds/decode_png",
            "fuzz/seeds/decode_webp",
            "fuzz/seeds/decode_tiff",
            "fuzz/seeds/decode_bmp",
            "fuzz/seeds/decode_gif",
            "tests/cpu/inputs",
        ],
    },
    target!("exif"),
    target!("icc"),
    target!("recipe"),
    target!("http_form"),
    target!("http_login"),
    target!("http_config"),
    target!("http_request"),
    target!("http_token"),
    target!("safetensors"),
    target!("onnx"),
];

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::project_folder;

    #[test]
    fn every_program_is_a_target_and_every_target_has_seeds() {
        let programs = fs::read_dir(project_folder().join("fuzz/fuzz_targets")).unwrap();
        let mut programs: Vec<String> =
            programs.map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()).collect();
        let mut targets: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        programs.sort();
        targets.sort_unstable();
        assert_eq!(programs, targets);
        for seeds in TARGETS.iter().flat_map(|target| target.seeds) {
            assert!(fs::read_dir(project_folder().join(seeds)).unwrap().count() > 0, "{seeds}");
        }
    }
}
