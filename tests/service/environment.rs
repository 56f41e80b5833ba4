//! Faults of the service's environment: files that are missing or open to others.

use std::fs;
use std::os::unix::fs::PermissionsExt;

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
