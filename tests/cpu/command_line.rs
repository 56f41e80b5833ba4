//! The program as its users run it.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use cameo_core::codec::{self, Format, InputLimits};
use serde_json::Value;
use tempfile::TempDir;

use crate::common::{self, pattern};

/// The end of a run of the program.
pub struct Run {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

pub fn finish(output: Output) -> Run {
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

pub fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cameo"));
    command.current_dir(folder).args(args).env("CAMEO_MODELS", common::models()).env("CAMEO_DEVICE", "cpu");
    command
}

pub fn cameo(folder: &Path, args: &[&str]) -> Run {
    finish(command(folder, args).output().unwrap())
}

/// Creates a folder with `in/a.png`, `in/b.png`, `in/sub/c.png` and `in/bad.png`, which is not an image.
pub fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("in")).unwrap();
    fs::create_dir(folder.path().join("in/sub")).unwrap();
    for (name, side) in [("in/a.png", 20), ("in/b.png", 30), ("in/sub/c.png", 24)] {
        fs::write(folder.path().join(name), codec::encode(&pattern(side, side), Format::Png, None).unwrap()).unwrap();
    }
    fs::write(folder.path().join("in/bad.png"), b"no image").unwrap();
    folder
}

pub fn size(folder: &Path, name: &str) -> (u32, u32) {
    let image = codec::decode(&fs::read(folder.join(name)).unwrap(), &InputLimits::default()).unwrap();
    (image.width, image.height)
}

pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn combo_writes_a_cutout_twice_as_large_and_prints_one_object() {
    let folder = TempDir::new().unwrap();
    let photo = common::project().join("samples/astronaut.png");
    let photo = photo.to_str().unwrap();
    let run = cameo(folder.path(), &["combo", photo, "-o", "out.png", "--model", "u2netp", "--json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("running on the CPU"), "{}", run.stderr);
    let object: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(object["input"], photo);
    assert_eq!(object["output"], "out.png");
    assert_eq!((&object["width"], &object["height"]), (&1024.into(), &1024.into()));
    assert_eq!((&object["device"], &object["model"]), (&"cpu".into(), &"u2netp".into()));
    let stages = [
        "decode",
        "upload",
        "locate",
        "prepare",
        "matte",
        "repair",
        "refine",
        "decontaminate",
        "enhance",
        "readback",
        "finish",
        "encode",
    ];
    let ms = |stage: &str| object["ms"][stage].as_f64().unwrap_or_else(|| panic!("no {stage}: {object}"));
    let sum: f64 = stages.iter().map(|stage| ms(stage)).sum::<f64>();
    assert!((sum - ms("total")).abs() < 0.1, "{object}");
    assert_eq!(size(folder.path(), "out.png"), (1024, 1024));
    assert_eq!(object["guided"], true);
    assert!(object["matte_uncertainty"].as_f64().is_some_and(|value| 0.0 < value && value < 0.3), "{object}");
    let side = |name: &str| object["foreground"][name].as_u64().unwrap();
    // The astronaut fills the photo except for a strip above her head.
    assert!(side("left") < 60 && (10..200).contains(&side("top")) && side("width") > 900, "{object}");
    assert_eq!(side("top") + side("height"), 1024, "{object}");
    assert_eq!(names(folder.path()), ["out.png"]);
}

#[test]
fn cutout_keeps_the_size_and_matte_only_is_grey() {
    let folder = TempDir::new().unwrap();
    let photo = common::project().join("samples/astronaut.png");
    let photo = photo.to_str().unwrap();
    let run = cameo(folder.path(), &["cutout", photo, "-o", "m.png", "--model", "u2netp", "--matte-only"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(size(folder.path(), "m.png"), (512, 512));
    let reader = png::Decoder::new(std::io::Cursor::new(fs::read(folder.path().join("m.png")).unwrap()));
    assert_eq!(reader.read_info().unwrap().info().color_type, png::ColorType::Grayscale);
}

#[test]
fn one_bad_file_does_not_stop_the_rest_and_the_exit_code_tells() {
    let folder = folder();
    let run = cameo(folder.path(), &["enhance", "in", "-o", "out", "--json", "--scale", "1.5"]);
    assert_eq!(run.code, 1);
    assert_eq!(names(&folder.path().join("out")), ["a.png", "b.png", "sub"]);
    assert_eq!(size(folder.path(), "out/sub/c.png"), (36, 36));
    let objects: Vec<Value> =
        run.stdout.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    assert_eq!(objects.len(), 4);
    let failed: Vec<_> = objects.iter().filter(|object| object.get("error").is_some()).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["input"], "in/bad.png");
    assert!(run.stderr.contains("error: in/bad.png: Cameo does not read this format"), "{}", run.stderr);
}

#[test]
fn existing_results_are_skipped_unless_overwrite_is_given() {
    let folder = folder();
    fs::create_dir(folder.path().join("out")).unwrap();
    fs::write(folder.path().join("out/a.png"), b"mine").unwrap();
    let enhance = |more: &[&str]| {
        let args = [&["enhance", "in/[ab].png", "-o", "out"], more].concat();
        cameo(folder.path(), &args)
    };
    let run = enhance(&[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("out/a.png exists, skipped"), "{}", run.stderr);
    assert_eq!(fs::read(folder.path().join("out/a.png")).unwrap(), b"mine");
    assert_eq!(size(folder.path(), "out/b.png"), (60, 60));
    assert_eq!(enhance(&["--overwrite"]).code, 0);
    assert_eq!(size(folder.path(), "out/a.png"), (40, 40));
}

#[test]
fn standard_input_and_output_work() {
    let folder = folder();
    let mut child = command(folder.path(), &["enhance", "-", "-o", "-", "--format", "webp"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let photo = fs::read(folder.path().join("in/a.png")).unwrap();
    child.stdin.take().unwrap().write_all(&photo).unwrap();
    let run = finish(child.wait_with_output().unwrap());
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(&run.stdout[8..12], b"WEBP");
    let image = codec::decode(&run.stdout, &InputLimits::default()).unwrap();
    assert_eq!((image.width, image.height), (40, 40));
}

#[test]
fn image_bytes_are_not_written_to_a_terminal() {
    let folder = folder();
    // `script` runs the program in a terminal.
    let program = env!("CARGO_BIN_EXE_cameo");
    let line = format!("{program} enhance in/a.png -o - --device cpu");
    let output = Command::new("script").current_dir(folder.path()).args(["-qec", &line, "/dev/null"]).output();
    let output = output.expect("`script` of util-linux is needed");
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(shown.contains("not written to a terminal"), "{shown}");
    assert!(!output.stdout.windows(4).any(|window| window == b"IHDR"));
    assert!(!output.status.success());
}

#[test]
fn invalid_arguments_get_one_sentence_and_write_nothing() {
    let folder = folder();
    let cases: [(&[&str], &str); 25] = [
        (&["enhance", "missing.png", "-o", "o.png"], "there is no file missing.png"),
        (&["enhance", "in/*.jpg", "-o", "o"], "no file matches in/*.jpg"),
        (&["enhance", "in/a.png", "-o", "o.jpg"], "end the output in .png or .webp"),
        (&["enhance", "in/a.png", "-o", "o.png", "--format", "webp"], "change one of them"),
        (&["enhance", "in/a.png", "in/b.png", "-o", "-"], "use -o FOLDER"),
        (&["enhance", "in/a.png", "-o", "o.png", "--scale", "5"], "use 1 to 4"),
        (&["enhance", "in/a.png", "-o", "o.webp", "--compression", "small"], "use --format png"),
        (&["enhance", "in/a.png", "-o", "o.png", "--level", "huge"], "use light, medium or strong"),
        (&["combo", "in/a.png", "-o", "o.png", "--model", "other"], "use isnet or u2netp"),
        (&["combo", "in/a.png", "-o", "o.png", "--models", "nowhere"], "has no readable manifest.toml"),
        (&["enhance", "in/a.png", "-o", "in/a.png", "--overwrite"], "overwrite the photo"),
        (&["enhance", "in/a.png", "-o", "-", "--json"], "both need standard output"),
        (&["enhance", "in/a.png", "-o", "-b.png"], "looks like a flag: use -o ./-b.png"),
        (&["enhance", "in/a.png", "-o", "--overwrite"], "looks like a flag"),
        (&["enhance", "in/a.png", "-o", ""], "the output is an empty name: use -o FILE or -o FOLDER"),
        (
            &["enhance", "in/a.png", "-o", "o.png", "--max-input-megapixels", "nan"],
            "use megapixels from 0.01 to 1000000",
        ),
        (&["enhance", "in/a.png", "-o", "o.png", "--max-input-megapixels", "0"], "use megapixels from 0.01 to 1000000"),
        (&["enhance", "in/a.png", "-o", "o.png", "--max-output-megapixels", "0.001"], "use megapixels from 0.01 to"),
        (&["enhance", "in/a.png", "-o", "o.png", "--max-output-megapixels", "inf"], "use megapixels from 0.01 to"),
        (&["enhance", "in/a.png", "-o", "o.png", "--max-megapixels-in-flight", "nan"], "use megapixels from 0 to"),
        (&["bench", "--json", "nowhere/b.json"], "there is no folder nowhere: create it first"),
        (&["bench", "--sizes", "1,0"], "use megapixels from 0.01 to 50"),
        (&["bench", "--sizes", "50", "--level", "strong", "--engine", "cpu", "--runs", "1"], "the limit is 100.0"),
        (&["bench", "--soak", "10"], "10 is not in 200.."),
        (&["bench", "--soak", "200", "--json", "b.json"], "cannot be used with"),
    ];
    let before = names(folder.path());
    for (args, message) in cases {
        let run = cameo(folder.path(), args);
        assert_ne!(run.code, 0, "{args:?}");
        assert!(run.stderr.contains(message), "{args:?}: {}", run.stderr);
        assert!(!run.stderr.contains("panicked"), "{args:?}: {}", run.stderr);
        assert!(run.stdout.is_empty(), "{args:?}");
        assert_eq!(names(folder.path()), before, "{args:?}");
    }
}

#[test]
fn a_damaged_weights_file_is_refused_with_the_command_that_restores_it() {
    let folder = folder();
    let models = folder.path().join("models");
    fs::create_dir(&models).unwrap();
    fs::copy(common::models().join("manifest.toml"), models.join("manifest.toml")).unwrap();
    let cut_out = || {
        let mut command = command(folder.path(), &["cutout", "in/a.png", "-o", "o.png", "--model", "u2netp"]);
        finish(command.env("CAMEO_MODELS", &models).output().unwrap())
    };
    let run = cut_out();
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("cannot be read") && run.stderr.contains("git checkout models"), "{}", run.stderr);
    let mut weights = fs::read(common::models().join("u2netp.safetensors")).unwrap();
    *weights.last_mut().unwrap() ^= 1;
    fs::write(models.join("u2netp.safetensors"), weights).unwrap();
    let run = cut_out();
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("SHA-256") && run.stderr.contains("cargo xtask convert"), "{}", run.stderr);
    assert!(!folder.path().join("o.png").exists());
}

#[test]
fn auto_never_uses_a_software_adapter() {
    let folder = folder();
    let mut command = command(folder.path(), &["enhance", "in/a.png", "-o", "o.png"]);
    let run = finish(command.env("CAMEO_DEVICE", "auto").env("CAMEO_ALLOW_SOFTWARE", "true").output().unwrap());
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(!run.stderr.contains("running on llvmpipe"), "{}", run.stderr);
}

#[test]
fn enhancing_needs_no_models() {
    let folder = folder();
    let run = cameo(folder.path(), &["enhance", "in/a.png", "-o", "o.png", "--models", "nowhere"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(size(folder.path(), "o.png"), (40, 40));
}

#[test]
fn images_larger_than_the_budget_are_processed_one_by_one() {
    let folder = folder();
    fs::remove_file(folder.path().join("in/bad.png")).unwrap();
    for budget in ["0", "0.001", "0.003"] {
        let args = ["enhance", "in", "-o", "out", "--jobs", "4", "--overwrite", "--max-megapixels-in-flight", budget];
        let run = cameo(folder.path(), &args);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!(names(&folder.path().join("out")), ["a.png", "b.png", "sub"]);
    }
}

#[test]
fn outputs_with_the_same_name_are_kept_apart() {
    let folder = folder();
    fs::copy(folder.path().join("in/a.png"), folder.path().join("in/a.webp")).unwrap();
    fs::remove_file(folder.path().join("in/bad.png")).unwrap();
    let run = cameo(folder.path(), &["enhance", "in", "-o", "out"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(names(&folder.path().join("out")), ["a.png.png", "a.webp.png", "b.png", "sub"]);
}

#[test]
fn bench_prints_its_figures_and_writes_them_as_json() {
    let folder = TempDir::new().unwrap();
    let size = ["--model", "u2netp", "--sizes", "0.02,0.03", "--runs", "1"];
    let run = cameo(folder.path(), &[&["bench", "--engine", "cpu", "--json", "b.json"], &size[..]].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    let table = String::from_utf8(run.stdout).unwrap();
    assert!(["matte", "encode", "total", "141x141", "173x173"].iter().all(|cell| table.contains(cell)), "{table}");

    let report: Value = serde_json::from_slice(&fs::read(folder.path().join("b.json")).unwrap()).unwrap();
    assert!(report["machine"]["threads"].as_u64().is_some_and(|cores| cores > 0), "{report}");
    assert_eq!((&report["recipe"]["cutout"]["model"], &report["runs"]), (&"u2netp".into(), &1.into()));
    let sizes = report["engines"][0]["sizes"].as_array().unwrap();
    assert_eq!((sizes.len(), &report["engines"][0]["engine"]), (2, &"cpu".into()));
    let stages = sizes[1]["stages"].as_array().unwrap();
    let sum = |key: &str| stages.iter().map(|stage| stage[key].as_f64().unwrap()).sum::<f64>();
    assert!((sum("ms") - sizes[1]["total_ms"].as_f64().unwrap()).abs() < 0.01, "{report}");
    assert!((sum("share") - 1.0).abs() < 0.01, "{report}");
    let matte = stages.iter().find(|stage| stage["stage"] == "matte").unwrap();
    assert!(!cfg!(target_os = "linux") || matte["peak_mib"].as_f64().is_some_and(|mib| mib > 20.0), "{matte}");
}

#[test]
fn bench_names_a_missing_folder_before_it_measures() {
    let folder = TempDir::new().unwrap();
    let run = cameo(folder.path(), &["bench", "--json", "nowhere/b.json"]);
    assert_eq!((run.code, run.stderr.lines().count()), (1, 1), "{}", run.stderr);
}

#[test]
fn memory_does_not_grow_with_the_number_of_images() {
    let folder = TempDir::new().unwrap();
    let run = cameo(folder.path(), &["bench", "--soak", "600", "--engine", "cpu", "--model", "u2netp"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(String::from_utf8_lossy(&run.stdout).contains("KiB per image"), "{}", run.stderr);
}
