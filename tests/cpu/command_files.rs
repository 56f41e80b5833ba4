//! Which files the program reads and writes: photos are never replaced, results are never taken for photos, and what is
//! no ordinary file is treated as what it is.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use rustix::process::{Pid, Signal};
use serde_json::Value;
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
    fs::create_dir(path.join("out")).unwrap();
    symlink("../in/a.png", path.join("out/b.png")).unwrap();
    let run = cameo(path, &["enhance", "in/a.png", "in/b.png", "-o", "out", "--overwrite"]);
    assert_refused(&run, "error: in/b.png: the result would overwrite the photo in/a.png");
    assert_eq!(size(path, "out/a.png"), (40, 40), "the other one is made");
    assert!(fs::read(path.join("in/a.png")).unwrap() == photo);
}

#[test]
fn a_photo_is_not_replaced_through_folders_that_do_not_exist() {
    let folder = photos();
    let path = folder.path();
    let photo = fs::read(path.join("in/a.png")).unwrap();
    symlink("in/none/../a.png", path.join("link.png")).unwrap();
    for (input, output) in [
        ("in/a.png", "in/none/../a.png"),
        ("in/a.png", "in/none/deeper/../../a.png"),
        ("in/a.png", "none/../in/a.png"),
        ("in/a.png", "link.png"),
        ("in", "in/none/.."),
        ("in", "none/../in/"),
    ] {
        for overwrite in [&["--overwrite"][..], &[]] {
            let run = cameo(path, &[&["enhance", input, "-o", output], overwrite].concat());
            let is_skipped = run.code == 0 && run.stderr.contains("exists, skipped");
            assert!(run.code == 1 || is_skipped, "{input} {output}: {}", run.stderr);
            assert!(fs::read(path.join("in/a.png")).unwrap() == photo, "{input} {output}");
        }
    }
    let run = cameo(path, &["enhance", "in/a.png", "-o", "results/../x.png"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(names(path), ["in", "link.png", "x.png"]);
}

/// A file or folder that is mounted at a second place while this lives.
struct BindMount(PathBuf);

impl BindMount {
    /// `None`, and a printed line, where mounting is not allowed.
    fn new(source: &Path, target: &Path) -> Option<Self> {
        let mount = Command::new("mount").arg("--bind").args([source, target]).output();
        if mount.is_ok_and(|output| output.status.success()) {
            return Some(Self(target.to_path_buf()));
        }
        println!("SKIPPED: mounting is not allowed here, {} is not tested", target.display());
        None
    }
}

impl Drop for BindMount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_photo_is_not_replaced_through_a_mount() {
    let folder = photos();
    let path = folder.path();
    fs::create_dir_all(path.join("out/sub")).unwrap();
    let photo = fs::read(path.join("in/sub/c.png")).unwrap();
    let Some(whole) = BindMount::new(&path.join("in"), &path.join("out")) else { return };
    let run = cameo(path, &["enhance", "in", "-o", "out", "--overwrite"]);
    assert_refused(&run, "the results would lie among the photos of in");
    drop(whole);
    // Only a folder in the output folder is that of the photos.
    let Some(_sub) = BindMount::new(&path.join("in/sub"), &path.join("out/sub")) else { return };
    let run = cameo(path, &["enhance", "in", "-o", "out", "--overwrite"]);
    assert_refused(&run, "error: in/sub/c.png: the result would overwrite the photo in/sub/c.png");
    assert!(fs::read(path.join("in/sub/c.png")).unwrap() == photo);
    assert_eq!(size(path, "out/a.png"), (40, 40), "the others are made");
}

#[test]
fn a_file_that_is_mounted_by_itself_cannot_be_replaced() {
    let folder = photos();
    let path = folder.path();
    fs::write(path.join("volume.png"), "old").unwrap();
    fs::write(path.join("x.png"), "old").unwrap();
    let Some(_mount) = BindMount::new(&path.join("volume.png"), &path.join("x.png")) else { return };
    let run = cameo(path, &["enhance", "in/a.png", "-o", "x.png", "--overwrite"]);
    assert_refused(&run, "cannot write x.png: it is mounted by itself");
    assert_eq!(names(path), ["in", "volume.png", "x.png"]);
}

#[test]
fn a_full_disk_is_told_with_the_name_of_the_result() {
    let folder = photos();
    let path = folder.path();
    fs::create_dir(path.join("disk")).unwrap();
    let mut mount = Command::new("mount");
    let mount = mount.args(["-t", "tmpfs", "-o", "size=4k", "disk"]).arg(path.join("disk")).output();
    if !mount.is_ok_and(|output| output.status.success()) {
        println!("SKIPPED: mounting is not allowed here, a full disk is not tested");
        return;
    }
    let _mount = BindMount(path.join("disk"));
    let run = cameo(path, &["enhance", "in/b.png", "-o", "disk/x.png", "--scale", "4"]);
    assert_refused(&run, "cannot write disk/x.png: No space left on device");
    assert!(!run.stderr.contains(".part"), "{}", run.stderr);
    assert!(names(&path.join("disk")).is_empty());
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
fn results_are_not_taken_for_photos_by_patterns_and_several_files() {
    let folder = photos();
    let path = folder.path();
    symlink(".", path.join("in/again")).unwrap();
    for _ in 0..2 {
        let run = cameo(path, &["enhance", "in/**/*.png", "-o", "in/out", "--overwrite"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(run.stderr.contains("the link in/again to a folder was not followed"), "{}", run.stderr);
        assert_eq!(names(&path.join("in/out")), ["a.png", "b.png", "c.png"]);
        assert_eq!(size(path, "in/out/a.png"), (40, 40));
    }
    for inputs in [&["in/*.png"][..], &["in/**/*.png"], &["in/a.png", "in/b.png"], &["in/sub/c.png", "in/b.png"]] {
        let run = cameo(path, &[&["enhance", "-o", "in"], inputs].concat());
        assert_refused(&run, "the results would lie among the photos of in: choose another folder with -o");
    }
    // Photos may lie below the folder of the results, and one photo beside its result.
    for inputs in [&["in/sub/*.png"][..], &["in/a.png", "in/b.png"], &["in/s*/c.png"], &["x.png"]] {
        fs::copy(path.join("in/a.png"), path.join("x.png")).unwrap();
        let run = cameo(path, &[&["enhance", "-o", ".", "--format", "webp"], inputs].concat());
        assert_eq!(run.code, 0, "{inputs:?}: {}", run.stderr);
    }
    assert_eq!(names(path), ["a.webp", "b.webp", "c.webp", "in", "x.png", "x.webp"]);
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
fn a_pattern_finds_names_that_are_not_unicode() {
    let folder = photos();
    let path = folder.path();
    let shoot = path.join(OsStr::from_bytes(b"shoot \xe9"));
    fs::rename(path.join("in"), &shoot).unwrap();
    fs::rename(shoot.join("a.png"), shoot.join(OsStr::from_bytes(b"caf\xe9.png"))).unwrap();
    for (output, pattern) in [("1", &b"shoot*/*.png"[..]), ("2", b"shoot \xe9/*.png")] {
        let run = finish(command(path, &["enhance", "-o", output]).arg(OsStr::from_bytes(pattern)).output().unwrap());
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(path.join(output).join(OsStr::from_bytes(b"caf\xe9.png")).exists());
        assert_eq!(size(&path.join(output), "b.png"), (60, 60));
    }
}

#[test]
fn standard_output_and_input_have_other_names() {
    let folder = photos();
    let path = folder.path();
    for name in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        // Redirected to a file, which exists before the program starts.
        let file = fs::File::create(path.join("x.png")).unwrap();
        let photo = fs::File::open(path.join("in/a.png")).unwrap();
        let mut command = command(path, &["enhance", "/dev/stdin", "-o", name]);
        let run = finish(command.stdin(photo).stdout(file).output().unwrap());
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!(size(path, "x.png"), (40, 40), "{name}");
        let run = cameo(path, &["enhance", "in/a.png", "-o", name, "--json"]);
        assert_refused(&run, "both need standard output");
    }
}

#[test]
fn an_output_that_is_a_folder_is_told_before_any_work() {
    let folder = photos();
    fs::create_dir_all(folder.path().join("out/a.png")).unwrap();
    for overwrite in [&["--overwrite"][..], &[]] {
        let run = cameo(folder.path(), &[&["enhance", "in/a.png", "-o", "out/"], overwrite].concat());
        assert_refused(&run, "the result would replace the folder out/a.png");
        assert!(!run.stderr.contains("running on"), "no engine was opened: {}", run.stderr);
    }
}

#[test]
fn a_numbered_name_may_be_that_of_another_photo() {
    let folder = photos();
    let path = folder.path();
    for name in ["1/a.png", "2/a.png", "3/a.png-2.png", "4/a.png-2.png"] {
        fs::create_dir(path.join(name).parent().unwrap()).unwrap();
        fs::copy(path.join("in/a.png"), path.join(name)).unwrap();
    }
    let run = cameo(path, &["enhance", "1", "2", "3", "-o", "three"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(names(&path.join("three")).len(), 3);
    let run = cameo(path, &["enhance", "4", "3", "2", "1", "-o", "four"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(names(&path.join("four")).len(), 4);
}

#[test]
fn what_names_nothing_does_not_stop_the_rest() {
    let folder = photos();
    let path = folder.path();
    symlink("nowhere.png", path.join("link.png")).unwrap();
    let args =
        ["enhance", "none.png", "none/*.png", "a**", "link.png", "in/a.png/x", "in/a.png", "-o", "out", "--json"];
    let run = cameo(path, &args);
    assert_eq!(names(&path.join("out")), ["a.png"]);
    for (input, error) in [
        ("none.png", "there is no file none.png"),
        ("none/*.png", "no file matches none/*.png"),
        ("a**", "a** is not a pattern"),
        ("link.png", "the link link.png leads to no file"),
        ("in/a.png/x", "cannot read in/a.png/x: Not a directory"),
    ] {
        assert_refused(&run, &format!("error: {error}"));
        let objects = run.stdout.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
        let object = objects.into_iter().find(|object: &Value| object["input"] == input).unwrap();
        assert!(object["error"].as_str().unwrap().contains(error), "{object}");
    }
    let run = cameo(path, &["enhance", "none.png", "other.png", "-o", "out", "--json"]);
    assert_refused(&run, "error: there is no file other.png");
    assert_eq!(run.stdout.iter().filter(|&&byte| byte == b'\n').count(), 2);
}

#[test]
fn what_a_folder_holds_besides_photos_is_passed_over_and_told() {
    let folder = photos();
    let path = folder.path();
    fs::create_dir(path.join("in/__MACOSX")).unwrap();
    for name in
        ["._a.png", "__MACOSX/._b.png", "__MACOSX/b.png", "notes.txt", "x.HEIC", "y.heic", "z.avif", "p.hif", "q.tga"]
    {
        fs::write(path.join("in").join(name), "no photo").unwrap();
    }
    symlink("sub", path.join("in/link")).unwrap();
    let run = cameo(path, &["enhance", "in", "-o", "out"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(
        run.stderr.contains("left out 1 .avif, 2 .heic, 1 .hif, 1 .tga: Cameo does not read these formats"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("the link in/link to a folder was not followed"), "{}", run.stderr);
    assert_eq!(names(&path.join("out")), ["a.png", "b.png", "sub"]);

    fs::create_dir(path.join("phone")).unwrap();
    fs::write(path.join("phone/x.heic"), "").unwrap();
    let run = cameo(path, &["enhance", "phone", "-o", "out"]);
    assert_refused(&run, "there are no images in phone; left out 1 .heic");
}

#[test]
fn a_folder_is_searched_for_every_ending_of_a_readable_format() {
    let folder = photos();
    let path = folder.path();
    fs::rename(path.join("in/a.png"), path.join("in/1.jpe")).unwrap();
    fs::rename(path.join("in/b.png"), path.join("in/2.DIB")).unwrap();
    symlink("nowhere.jpg", path.join("in/link.jpg")).unwrap();
    let run = cameo(path, &["enhance", "in", "-o", "out"]);
    assert_eq!(names(&path.join("out")), ["1.png", "2.png", "sub"]);
    assert_refused(&run, "error: in/link.jpg: cannot read in/link.jpg: No such file or directory");
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
fn a_folder_that_lists_its_files_but_does_not_open_them_is_told() {
    let folder = photos();
    let path = folder.path();
    fs::set_permissions(path.join("in/sub"), Permissions::from_mode(0o644)).unwrap();
    let runs = ["in", "in/**/*.png", "in/sub/c.png", "in/sub/c*"].map(|input| {
        let output = format!("out{}", input.len());
        with_permissions(path, &["enhance", input, "-o", &output, "--format", "png"])
    });
    fs::set_permissions(path.join("in/sub"), Permissions::from_mode(0o755)).unwrap();
    runs.iter().for_each(|run| assert_refused(run, "cannot read in/sub/c.png: Permission denied"));
    assert_eq!(names(&path.join("out2")), ["a.png", "b.png"]);
    assert_eq!(names(&path.join("out11")), ["a.png", "b.png"]);
}

#[test]
fn a_pattern_tells_which_folder_cannot_be_read() {
    let folder = photos();
    let path = folder.path();
    fs::set_permissions(path.join("in/sub"), Permissions::from_mode(0o000)).unwrap();
    let run = with_permissions(path, &["enhance", "in/**/*.png", "-o", "out"]);
    fs::set_permissions(path.join("in/sub"), Permissions::from_mode(0o755)).unwrap();
    assert_refused(&run, "error: cannot read the folder in/sub: Permission denied");
    assert_eq!(run.stderr.matches("in/sub").count(), 1, "{}", run.stderr);
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

#[test]
fn no_temporary_file_stays_after_a_signal() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    // A bitmap of noise, whose result is large and takes its time to write.
    let (width, height) = (4000_u32, 3000_u32);
    let mut photo = [&b"BM"[..], &[0; 8], &[54, 0, 0, 0, 40, 0, 0, 0]].concat();
    photo.extend([width.to_le_bytes(), height.to_le_bytes(), [1, 0, 24, 0]].concat());
    photo.extend([0; 24]);
    let mut state = 1_u32;
    photo.extend((0..width * height * 3).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    }));
    fs::write(path.join("x.bmp"), photo).unwrap();
    let is_left = |name: &String| name.ends_with(".part");
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        // The result may be complete before the signal arrives.
        let stopped = (0..20).find_map(|_| {
            fs::create_dir(path.join("out")).unwrap();
            let args = ["enhance", "x.bmp", "-o", "out/x.png", "--scale", "1", "--level", "light"];
            let mut child = command(path, &args).stderr(Stdio::null()).spawn().unwrap();
            // The first temporary file only tests whether the folder can be written to.
            let is_writing = || {
                let parts = fs::read_dir(path.join("out")).unwrap().filter_map(|entry| entry.ok()?.metadata().ok());
                parts.into_iter().any(|metadata| metadata.len() > 0)
            };
            while child.try_wait().unwrap().is_none() && !is_writing() {}
            // The child is waited for only below, so its id is still its own.
            rustix::process::kill_process(Pid::from_child(&child), signal).unwrap();
            let ended = child.wait().unwrap().code();
            let left: Vec<String> = names(&path.join("out")).into_iter().filter(is_left).collect();
            fs::remove_dir_all(path.join("out")).unwrap();
            assert!(left.is_empty(), "{left:?} after {ended:?}");
            (ended != Some(0)).then_some(ended)
        });
        assert_eq!(stopped, Some(Some(code)), "a result was never interrupted");
    }
}

#[test]
fn temporary_files_that_a_killed_process_left_are_removed() {
    let folder = photos();
    let path = folder.path();
    fs::create_dir(path.join("out")).unwrap();
    for (name, hours) in [(".cameo-old.part", 2), (".cameo-new.part", 0), ("mine.part", 2), (".cameo-.png", 2)] {
        let file = fs::File::create(path.join("out").join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(3600 * hours)).unwrap();
    }
    let run = cameo(path, &["enhance", "in/a.png", "-o", "out"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(names(&path.join("out")), [".cameo-.png", ".cameo-new.part", "a.png", "mine.part"]);
}
