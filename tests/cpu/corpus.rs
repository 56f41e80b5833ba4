//! Pictures of public test suites beside Pillow's decode of them. The pictures are not part of the project: the test
//! reads the folder that `CAMEO_CORPUS` names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use cameo_core::codec::{self, CodecError, Image, InputLimits};
use serde_json::{Value, json};

use crate::common;

/// The mean CIE76 difference that is still the same picture: rounding, chroma upsampling and the arithmetic of two
/// libraries for colour profiles stay below 2.
const MAX_DIFFERENCE: f64 = 3.0;

/// How many files are named of those that are refused for the same reason.
const MAX_NAMES: usize = 5;

/// Pillow in a process of its own, which compares one file after the other.
struct Pillow {
    child: Child,
    jobs: ChildStdin,
    answers: BufReader<ChildStdout>,
    folder: tempfile::TempDir,
}

impl Pillow {
    fn start() -> Self {
        let script = common::project().join("tests/cpu/corpus.py");
        let mut command = Command::new(common::python());
        // Its libraries write warnings about damaged files.
        command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (jobs, answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, jobs, answers, folder: tempfile::tempdir().unwrap() }
    }

    /// Returns Pillow's answer for `file`, with the difference to `found`.
    fn compare(&mut self, file: &Path, found: Option<&Image>) -> Value {
        let pixels = found.map(|image| {
            let path = self.folder.path().join("pixels");
            fs::write(&path, &image.pixels).unwrap();
            path
        });
        let (width, height) = found.map_or((0, 0), |image| (image.width, image.height));
        let job = json!({"path": file, "pixels": pixels, "width": width, "height": height});
        writeln!(self.jobs, "{job}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{}: {error}: {answer:?}", file.display()))
    }
}

impl Drop for Pillow {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What came of one file.
enum Verdict {
    Equal,
    /// Neither reads it.
    NoPicture,
    /// Refused, or read where Pillow refuses; for this reason.
    Noted(String),
    Wrong(String),
}

fn verdict(found: &Result<Image, CodecError>, pillow: &Value) -> Verdict {
    match (found, pillow["refused"].as_str()) {
        (Err(CodecError::UnknownFormat(_) | CodecError::Empty), Some(_)) => Verdict::NoPicture,
        (Err(error), Some(_)) => Verdict::Noted(format!("also by Pillow: {}", error.code())),
        (Ok(_), Some(_)) => Verdict::Noted("read, but refused by Pillow".into()),
        (Err(error), None) if error.code() == "undecodable_image" => {
            Verdict::Wrong(format!("Pillow reads it: {error}"))
        }
        (Err(error), None) => Verdict::Noted(reason(error)),
        (Ok(image), None) => {
            let size = json!([image.width, image.height]);
            match pillow["difference"].as_f64().unwrap() {
                _ if pillow["size"] != size => Verdict::Wrong(format!("it is {size}, in Pillow {}", pillow["size"])),
                difference if difference <= MAX_DIFFERENCE => Verdict::Equal,
                difference => Verdict::Wrong(format!("it differs from Pillow by {difference:.1}")),
            }
        }
    }
}

/// Returns why a file is refused, without the numbers and the quoted bytes that differ from file to file.
fn reason(error: &CodecError) -> String {
    let text = error.to_string().replace(|character: char| character.is_ascii_digit(), "#");
    format!("{}: {}", error.code(), text.split('"').next().unwrap_or_default()).chars().take(150).collect()
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() { files_below(&path, found) } else { found.push(path) }
    }
}

/// The files that may differ, as their paths below the corpus.
fn listed() -> BTreeSet<String> {
    let list = fs::read_to_string(common::project().join("tests/cpu/corpus.toml")).unwrap();
    let by_reason: BTreeMap<String, Vec<String>> = toml::from_str(&list).unwrap();
    by_reason.into_values().flatten().collect()
}

#[test]
#[ignore = "it compares the pictures in the folder CAMEO_CORPUS: run `cargo xtask corpus FOLDER`"]
fn pictures_of_a_corpus_look_as_in_pillow() {
    let corpus = PathBuf::from(std::env::var_os("CAMEO_CORPUS").expect("CAMEO_CORPUS names no folder"));
    let mut files = Vec::new();
    files_below(&corpus, &mut files);
    files.sort();
    let listed = listed();
    let mut pillow = Pillow::start();
    let (mut equal, mut no_pictures, mut excused) = (0, 0, 0);
    let (mut noted, mut wrong) = (BTreeMap::<String, Vec<String>>::new(), Vec::new());
    for file in &files {
        let name = file.strip_prefix(&corpus).unwrap().to_string_lossy().into_owned();
        let found = codec::decode(&fs::read(file).unwrap(), &InputLimits::default());
        let answer = pillow.compare(file, found.as_ref().ok());
        match (verdict(&found, &answer), listed.contains(&name)) {
            (Verdict::Wrong(_), true) => excused += 1,
            (Verdict::Wrong(how), false) => wrong.push(format!("{name}: {how}")),
            (_, true) => wrong.push(format!("{name} is as in Pillow: remove it from corpus.toml")),
            (Verdict::Equal, false) => equal += 1,
            (Verdict::NoPicture, false) => no_pictures += 1,
            (Verdict::Noted(reason), false) => noted.entry(reason).or_default().push(name),
        }
    }
    for (reason, names) in &noted {
        println!("{} {reason}\n    {}", names.len(), names[..names.len().min(MAX_NAMES)].join("\n    "));
    }
    println!("{equal} as in Pillow, {excused} listed in corpus.toml, {no_pictures} no pictures, {} wrong", wrong.len());
    assert!(equal > 0, "{} has no pictures", corpus.display());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_file_is_wrong_if_it_looks_different_or_if_only_pillow_reads_it() {
    let image = || Ok(Image::new(1, 1, vec![0; 4]));
    let damaged = || Err(CodecError::Undecodable("cut short".into()));
    let is_wrong =
        |found: Result<Image, CodecError>, pillow: Value| matches!(verdict(&found, &pillow), Verdict::Wrong(_));
    assert!(!is_wrong(image(), json!({"size": [1, 1], "difference": 2.9})));
    assert!(is_wrong(image(), json!({"size": [1, 1], "difference": 3.1})));
    assert!(is_wrong(image(), json!({"size": [1, 2], "difference": 0.0})));
    assert!(is_wrong(damaged(), json!({"size": [1, 1]})));
    assert!(!is_wrong(damaged(), json!({"refused": "cut short"})));
    assert!(!is_wrong(Err(CodecError::Unsupported("lossless JPEG".into())), json!({"size": [1, 1]})));
}
