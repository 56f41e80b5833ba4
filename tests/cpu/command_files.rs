//! Which files the program reads and writes: photos are never replaced, results are never taken for photos, and what is
//! no ordinary file is treated as what it is.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::command_line::{Run, cameo, command, finish, folder, names, size};

/// A folder with `in/a.png`, `in/b.png` and `in/sub/c.png`.
fn photos() -> TempDir {
    let folder = folder();
    fs::remove_file(folder.path().join("in/bad.png")).unwrap();
    folder
}

#[track_caller]
fn assert_refused(run: &Run, sentence: &str) {
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stderr.contains(sentence), "{}", run.stderr);
}

#[test]
fn a_photo_is_never_replaced_whatever_its_path_is_called() {
    let folder = photos();
    let path = folder.path();
    symlink("in/a.png", path.join("link.png")).unwrap();
    let photo = fs::read(path.join("in/a.png")).unwrap();
    for (input, output) in [
        ("in/a.png", "./in/a.png"),
        ("./in/a.png", "in/a.png"),
        ("in/a.png", "in/sub/../a.png"),
        ("link.png", "in/a.png"),
        ("in/a.png", "link.png"),
    ] {
        let run = cameo(path, &["enhance", input, "-o", output, "--overwrite"]);
        assert_refused(&run, "would overwrite the photo");
        assert_refused(&cameo(path, &["enhance", input, "-o", output]), "would overwrite the photo");
        assert!(fs::read(path.join("in/a.png")).unwrap() == photo, "{input} {output}");
    }
    // The result of one photo would replace another one.
    let run = cameo(path, &["enhance", "in/a.png", "in/sub/c.png", "-o", "./in", "--overwrite"]);
    assert_refused(&run, "error: in/a.png: the result would overwrite the photo in/a.png");
    assert_eq!(size(path, "in/c.png"), (48, 48), "the other one is made");
}

#[test]
fn results_are_not_taken_for_photos() {
    let folder = photos();
    for output in ["in", "./in/", "in/sub/.."] {
        let run = cameo(folder.path(), &["enhance", "in", "-o", output, "--overwrite"]);
        assert_refused(&run, "the results would lie among the photos of in");
    }
    assert_eq!(names(&folder.path().join("in")), ["a.png", "b.png", "sub"]);
    for _ in 0..3 {
        let run = cameo(folder.path(), &["enhance", "in", "-o", "in/out", "--overwrite"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!(names(&folder.path().join("in/out")), ["a.png", "b.png", "sub"]);
        assert_eq!(size(folder.path(), "in/out/a.png"), (40, 40));
    }
}

#[test]
fn several_photos_need_a_folder() {
    let folder = photos();
    let run = cameo(folder.path(), &["enhance", "in/a.png", "in/b.png", "-o", "out.png"]);
    assert_refused(&run, "several images need a folder");
    assert!(!folder.path().join("out.png").exists());
}

#[test]
fn a_pipe_is_read_once() {
    let folder = photos();
    let path = folder.path();
    assert!(Command::new("mkfifo").arg(path.join("pipe")).status().unwrap().success());
    let program = env!("CARGO_BIN_EXE_cameo");
    for line in [
        format!("cat in/a.png > pipe & {program} enhance pipe -o 1.png"),
        format!("cat in/a.png | {program} enhance /dev/stdin -o 2.png"),
        format!("{program} enhance <(cat in/a.png) -o 3.png"),
    ] {
        let mut shell = Command::new("timeout");
        shell.args(["60", "bash", "-c", &line]).current_dir(path).env("CAMEO_DEVICE", "cpu");
        let run = finish(shell.output().unwrap());
        assert_eq!(run.code, 0, "{line}: {}", run.stderr);
    }
    assert!((1..=3).all(|i| size(path, &format!("{i}.png")) == (40, 40)));
}

#[test]
fn an_output_that_is_no_file_is_written_through() {
    let folder = photos();
    let path = folder.path();
    assert!(Command::new("mkfifo").arg(path.join("pipe")).status().unwrap().success());
    let mut reader = Command::new("timeout");
    let reader = reader.args(["60", "cat", "pipe"]).current_dir(path).stdout(Stdio::piped()).spawn().unwrap();
    let run = cameo(path, &["enhance", "in/a.png", "-o", "pipe", "--format", "png"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(&reader.wait_with_output().unwrap().stdout[1..4], b"PNG");
    assert!(!fs::metadata(path.join("pipe")).unwrap().is_file());
}

#[test]
fn a_link_keeps_its_target_and_a_file_its_permissions() {
    let folder = photos();
    let path = folder.path();
    fs::create_dir(path.join("results")).unwrap();
    symlink("results/new.png", path.join("to-new.png")).unwrap();
    fs::write(path.join("old.png"), "old").unwrap();
    fs::set_permissions(path.join("old.png"), Permissions::from_mode(0o640)).unwrap();
    symlink("old.png", path.join("to-old.png")).unwrap();
    for (link, file) in [("to-new.png", "results/new.png"), ("to-old.png", "old.png")] {
        let run = cameo(path, &["enhance", "in/a.png", "-o", link, "--overwrite"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(path.join(link).is_symlink());
        assert_eq!(size(path, file), (40, 40));
    }
    assert_eq!(fs::metadata(path.join("old.png")).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn a_name_may_be_any_that_the_system_allows() {
    let folder = photos();
    let name = OsStr::from_bytes(b"caf\xe9.png");
    fs::rename(folder.path().join("in/a.png"), folder.path().join(name)).unwrap();
    let run = finish(command(folder.path(), &["enhance", "-o", "x.png"]).arg(name).output().unwrap());
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(size(folder.path(), "x.png"), (40, 40));
}

#[test]
fn what_a_folder_holds_besides_photos_is_passed_over_and_told() {
    let folder = photos();
    let path = folder.path();
    fs::create_dir(path.join("in/__MACOSX")).unwrap();
    for name in ["._a.png", "__MACOSX/._b.png", "__MACOSX/b.png", "notes.txt", "x.HEIC", "y.heic", "z.avif"] {
        fs::write(path.join("in").join(name), "no photo").unwrap();
    }
    symlink("sub", path.join("in/link")).unwrap();
    let run = cameo(path, &["enhance", "in", "-o", "out"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("left out 1 .avif, 2 .heic: Cameo does not read these formats"), "{}", run.stderr);
    assert!(run.stderr.contains("the link in/link to a folder was not followed"), "{}", run.stderr);
    assert_eq!(names(&path.join("out")), ["a.png", "b.png", "sub"]);

    fs::create_dir(path.join("phone")).unwrap();
    fs::write(path.join("phone/x.heic"), "").unwrap();
    let run = cameo(path, &["enhance", "phone", "-o", "out"]);
    assert_refused(&run, "there are no images in phone; left out 1 .heic");
}

/// Runs the program so that permissions apply to it, also if the tests run as root.
fn with_permissions(folder: &Path, args: &[&str]) -> Run {
    let program = command(folder, args);
    if !rustix::process::geteuid().is_root() {
        return finish(command(folder, args).output().unwrap());
    }
    const WITHOUT: &str = "-dac_override,-dac_read_search";
    let mut dropped = Command::new("setpriv");
    dropped.args(["--bounding-set", WITHOUT, "--inh-caps", WITHOUT]).arg(program.get_program()).args(args);
    dropped.current_dir(folder).env("CAMEO_DEVICE", "cpu");
    finish(dropped.output().expect("`setpriv` of util-linux is needed"))
}

#[test]
fn a_folder_that_cannot_be_read_does_not_stop_the_rest() {
    let folder = photos();
    let path = folder.path();
    fs::set_permissions(path.join("in/sub"), Permissions::from_mode(0o000)).unwrap();
    let run = with_permissions(path, &["enhance", "in", "-o", "out"]);
    fs::set_permissions(path.join("in/sub"), Permissions::from_mode(0o755)).unwrap();
    assert_refused(&run, "cannot read the folder in/sub");
    assert_eq!(names(&path.join("out")), ["a.png", "b.png"]);
}

#[test]
fn an_output_folder_that_cannot_be_written_is_told_before_any_work() {
    let folder = photos();
    let path = folder.path();
    fs::create_dir(path.join("out")).unwrap();
    fs::set_permissions(path.join("out"), Permissions::from_mode(0o555)).unwrap();
    for output in ["out", "out/new/folder", "out/x.png"] {
        let input = if output.ends_with("png") { "in/a.png" } else { "in" };
        let run = with_permissions(path, &["enhance", input, "-o", output]);
        assert_refused(&run, "cannot write to the folder out: permission denied");
        assert!(!run.stderr.contains("running on"), "no engine was opened: {}", run.stderr);
    }
}

#[test]
fn json_that_cannot_be_printed_is_told() {
    let folder = photos();
    let mut command = command(folder.path(), &["enhance", "in/a.png", "-o", "x.png", "--json"]);
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let run = finish(command.stdout(full).output().unwrap());
    assert_refused(&run, "cannot write to standard output");
}
