//! Faults of the service's environment: files that are missing or open to others.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::client::{Client, photo};
use crate::server::{Server, USER, operator};

#[test]
fn a_missing_database_never_costs_the_photos_and_results() {
    let mut server = Server::start(&[]);
    let ann = Client::new(&server);
    let id = ann.submit_accepted("/api/v1/upscale?enhance_level=light", &photo());
    assert_eq!(ann.wait_until_over(&id)["status"], "completed");
    assert!(server.terminate());
    let files = server.blob_files();
    assert_eq!(files.len(), 1);
    let elsewhere = server.folder.path().join("elsewhere.sqlite");
    fs::rename(server.data().join("cameo.sqlite"), &elsewhere).unwrap();
    for empty in [false, true] {
        if empty {
            fs::write(server.data().join("cameo.sqlite"), "").unwrap();
        }
        for arguments in [&["serve", "--listen=127.0.0.1:0"][..], &["user", "add", "bob"], &["work"]] {
            let output = operator(arguments, server.folder.path(), "correct horse");
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
            assert!(stderr.contains("bring the database back"), "{arguments:?}: {stderr}");
        }
    }
    assert_eq!(server.blob_files(), files);
    fs::rename(&elsewhere, server.data().join("cameo.sqlite")).unwrap();
    server.restart();
    server.wait_until_ready();
    let ann = Client::new(&server);
    assert_eq!(ann.get(&format!("/api/v1/upscale/result/{id}")).status, 200);
}

#[test]
fn nothing_in_the_data_folder_is_readable_by_others() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    let server = Server::start_in(folder, &[]);
    let ann = Client::new(&server);
    let id = ann.submit_accepted("/api/v1/upscale?enhance_level=light", &photo());
    assert_eq!(ann.wait_until_over(&id)["status"], "completed", "{USER}");
    let mut folders = vec![data];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let mode = entry.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{}: {mode:o}", entry.path().display());
            match entry.metadata().unwrap().is_dir() {
                true => folders.push(entry.path()),
                false => files += 1,
            }
        }
    }
    assert!(files >= 3, "{files}");
}

/// Runs SQL on the database of the server, as another program would.
fn sql(server: &Server, statements: &str) {
    let script = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1], timeout=30); db.executescript(sys.argv[2])";
    let database = server.data().join("cameo.sqlite");
    let status = Command::new("python3").args(["-c", script]).arg(database).arg(statements).status().unwrap();
    assert!(status.success(), "{statements}");
}

#[test]
fn a_database_that_another_program_has_locked_costs_no_task_and_no_worker() {
    let server = Server::start(&[]);
    let ann = Client::new(&server);
    let running = ann.submit_accepted("/api/v1/cutout", &photo());
    let script = "import sqlite3, sys, time; db = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
                  db.execute('BEGIN IMMEDIATE'); print(flush=True); time.sleep(25)";
    let database = server.data().join("cameo.sqlite");
    let mut python = Command::new("python3");
    let mut locker = python.args(["-c", script]).arg(database).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(locker.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let refused = ann.submit("/api/v1/cutout", &photo());
    assert_eq!(refused.problem(), (503, "server_busy".into()));
    assert!(refused.header("retry-after").is_some());
    assert_eq!(ann.get("/api/v1/upscale/tasks").status, 200, "what is stored can be read");
    assert!(locker.wait().unwrap().success());
    let status = ann.wait_until_over(&running);
    assert_eq!(status["status"], "completed", "{status}");
    let metrics = server.call("GET", "/metrics", &[], b"").text();
    assert!(metrics.contains("cameo_worker_restarts_total 0"), "{metrics}");
    let next = ann.submit_accepted("/api/v1/upscale?enhance_level=light", &photo());
    assert_eq!(ann.wait_until_over(&next)["status"], "completed");
}

#[test]
fn a_database_that_is_damaged_or_of_another_version_is_named() {
    let mut server = Server::spawn(&[]);
    assert!(server.terminate());
    let refusal = || {
        let output = operator(&["serve", "--listen=127.0.0.1:0"], server.folder.path(), "");
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    sql(&server, "PRAGMA user_version = 99");
    let reason = refusal();
    assert!(reason.contains("schema version 99") && reason.contains("another data folder"), "{reason}");
    fs::write(server.data().join("cameo.sqlite"), [7; 9000]).unwrap();
    let reason = refusal();
    assert!(reason.contains("not a database"), "{reason}");
}

/// Starts a server whose wall clock a test sets, with what sets it.
fn server_with_a_clock(arguments: &[&str]) -> (Server, impl Fn(&str)) {
    let library = faketime_library();
    let folder = tempfile::tempdir().unwrap();
    let clock = folder.path().join("clock");
    let environment = [
        format!("LD_PRELOAD={library}"),
        format!("FAKETIME_TIMESTAMP_FILE={}", clock.display()),
        "FAKETIME_NO_CACHE=1".into(),
        "FAKETIME_DONT_FAKE_MONOTONIC=1".into(),
        "DONT_FAKE_MONOTONIC=1".into(),
    ];
    let set = move |by: &str| fs::write(&clock, format!("{by}\n")).unwrap();
    set("+0");
    let under: Vec<&str> = std::iter::once("env").chain(environment.iter().map(String::as_str)).collect();
    (Server::start_under(&under, folder, arguments), set)
}

#[test]
fn a_clock_that_is_wrong_at_the_start_deletes_nothing() {
    let (mut server, set_clock) = server_with_a_clock(&[]);
    let id = {
        let ann = Client::new(&server);
        let id = ann.submit_accepted("/api/v1/upscale?enhance_level=light", &photo());
        assert_eq!(ann.wait_until_over(&id)["status"], "completed");
        id
    };
    assert!(server.terminate());
    set_clock("+8d");
    server.restart();
    std::thread::sleep(Duration::from_secs(4));
    set_clock("+0");
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(Client::new(&server).result(&id).status, 200);
}

#[test]
fn a_clock_that_jumps_ends_no_run_and_deletes_no_result() {
    let (server, jump) = server_with_a_clock(&["--keep-results=3600", "--keep-tasks=3600"]);
    let ann = Client::new(&server);
    let old = ann.submit_accepted("/api/v1/upscale?enhance_level=light", &photo());
    assert_eq!(ann.wait_until_over(&old)["status"], "completed");
    let running = ann.submit_accepted("/api/v1/cutout", &photo());
    server.wait_until("running", || ann.status(&running)["status"] == "processing");
    // Beyond a lease, and beyond the time for which results are kept.
    jump("+7200");
    std::thread::sleep(Duration::from_secs(4));
    jump("+0");
    let status = ann.wait_until_over(&running);
    assert_eq!(status["status"], "completed", "{status}");
    assert_eq!(ann.result(&old).status, 200);
    let metrics = server.call("GET", "/metrics", &[], b"").text();
    assert!(metrics.contains("cameo_worker_restarts_total 0"), "{metrics}");
    assert!(server.log().contains("the clock has jumped"));
}

/// Returns the library that shows a process another time. It is where the package of the tool `faketime` has it.
fn faketime_library() -> String {
    let output = Command::new("faketime").args(["now", "printenv", "LD_PRELOAD"]).output().expect("faketime runs");
    let library = String::from_utf8(output.stdout).unwrap().trim().to_string();
    library.replace("libfaketime.so.1", "libfaketimeMT.so.1")
}

#[test]
fn too_few_file_descriptors_are_told_and_end_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_under(&["prlimit", "--nofile=200:200"], folder, &[]);
    assert!(server.log().contains("raise `ulimit -n`"), "{}", server.log());
    let idle: Vec<TcpStream> = (0..300).filter_map(|_| TcpStream::connect(("127.0.0.1", server.port)).ok()).collect();
    let ann_is_answered = || {
        let ann = Client::new(&server);
        let id = ann.submit_accepted("/api/v1/upscale?enhance_level=light", &photo());
        assert_eq!(ann.wait_until_over(&id)["status"], "completed");
    };
    drop(idle);
    ann_is_answered();
    let metrics = server.call("GET", "/metrics", &[], b"").text();
    assert!(metrics.contains("cameo_worker_restarts_total 0"), "{metrics}");
}
