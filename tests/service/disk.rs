//! A disk that is full or read-only: nothing that was accepted is lost, and the service goes on when there is room.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::client::{Client, photo};
use crate::server::{PASSWORD, Server, add_user, operator};

/// A small file system of its own, in memory.
struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    /// Mounts the disk; `None`, with a line that says so, where this process may not mount.
    fn mount(megabytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={megabytes}m");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).status();
        if !mount.is_ok_and(|status| status.success()) {
            eprintln!("not run: this test has to mount a file system, which only root may");
            return None;
        }
        Some(Self { folder })
    }

    /// A server whose data and log are on this disk.
    fn serve(&self) -> Server {
        Server::start_in(tempfile::tempdir_in(self.folder.path()).unwrap(), &[])
    }

    fn filler(&self) -> PathBuf {
        self.folder.path().join("filler")
    }

    /// Takes all room but `spare` bytes.
    fn fill(&self, spare: usize) {
        let mut filler = File::create(self.filler()).unwrap();
        while filler.write_all(&[0; 4096]).is_ok() {}
        let length = filler.metadata().unwrap().len();
        filler.set_len(length.saturating_sub(spare as u64)).unwrap();
    }

    fn make_room(&self) {
        fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.folder.path()).status();
    }
}

/// Returns the number of workers that the server has replaced.
fn replaced_workers(server: &Server) -> u64 {
    let metrics = server.call("GET", "/metrics", &[], b"");
    let line = metrics.text();
    let line = line.lines().find(|line| line.starts_with("cameo_worker_restarts_total")).expect("the metric");
    line.split(' ').next_back().unwrap().parse().unwrap()
}

#[test]
fn a_full_disk_refuses_photos_and_loses_nothing() {
    let Some(disk) = Disk::mount(64) else { return };
    let server = disk.serve();
    let ann = Client::new(&server);
    let accepted = ann.submit_accepted("/api/v1/cutout", &photo());
    disk.fill(0);
    // The log is on the same disk, and ends no request.
    let refused = ann.submit("/api/v1/cutout", &photo());
    assert_eq!(refused.problem(), (503, "storage_full".into()));
    assert_eq!(ann.get("/api/v1/upscale/tasks").status, 200);
    assert_eq!(server.login("ann", "wrong").status, 401);
    std::thread::sleep(Duration::from_secs(3));
    disk.make_room();
    let status = ann.wait_until_over(&accepted);
    assert_eq!(status["status"], "completed", "{status}");
    assert_eq!(ann.result(&accepted).status, 200);
    let next = ann.submit_accepted("/api/v1/upscale?enhance_level=light", &photo());
    assert_eq!(ann.wait_until_over(&next)["status"], "completed");
    assert_eq!(replaced_workers(&server), 0);
    assert_eq!(server.blob_files().len(), 2, "nothing is left of the refused photo");
}

#[test]
fn a_result_without_room_fails_its_task_and_no_worker() {
    let Some(disk) = Disk::mount(64) else { return };
    let server = disk.serve();
    let ann = Client::new(&server);
    let photo = photo();
    // Room for the photo and for the database, but not for a result of 2048x2048.
    disk.fill(photo.len() + (1 << 20));
    let id = ann.submit_accepted("/api/v1/upscale?scale=4", &photo);
    let status = ann.wait_until_over(&id);
    assert_eq!(status["error_code"], "result_not_stored", "{status}");
    assert_eq!(replaced_workers(&server), 0);
}

/// A PNG of noise with `side` pixels per side, whose result is as large as it can be.
fn noise(side: u32) -> Vec<u8> {
    let mut state = 1u32;
    let bytes = (0..side * side * 4).map(|index| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if index % 4 == 3 { 255 } else { (state >> 24) as u8 }
    });
    let image = cameo_core::codec::Image::<u8>::new(side, side, bytes.collect());
    cameo_core::codec::encode(&image, cameo_core::codec::Format::Png, None).unwrap()
}

#[test]
fn results_that_are_too_large_for_the_disk_hold_up_no_others() {
    let Some(disk) = Disk::mount(128) else { return };
    let server = disk.serve();
    add_user(server.folder.path(), "bob", PASSWORD);
    let (ann, bob) = (Client::new(&server), Client { token: server.token_of("bob", PASSWORD), server: &server });
    let large = noise(900);
    // The disk has space for the photos and for many small results, but not for a large result, which takes 36 MB.
    disk.fill(24 << 20);
    let submit = || ann.submit_accepted("/api/v1/upscale?scale=4&enhance_level=light", &large);
    let waiting = [submit(), submit()];
    let without_room = || server.log().matches("the result could not be stored").count();
    server
        .wait_until("waiting", || without_room() >= 2 && waiting.iter().all(|id| ann.status(id)["stage"] == "encode"));
    let since = Instant::now();
    let small = bob.submit_accepted("/api/v1/upscale?enhance_level=light", &photo());
    assert_eq!(bob.wait_until_over(&small)["status"], "completed");
    for id in &waiting {
        let status = ann.status(id);
        assert_eq!(status["status"], "processing", "{status}, {:?}", since.elapsed());
    }
    disk.make_room();
    for id in &waiting {
        let status = ann.wait_until_over(id);
        assert_eq!(status["status"], "completed", "{status}");
    }
    assert_eq!(replaced_workers(&server), 0);
}

/// A folder that is read-only until this is dropped.
struct ReadOnly(PathBuf);

impl ReadOnly {
    fn new(folder: PathBuf) -> Option<Self> {
        let mount = |options: &[&str]| Command::new("mount").args(options).arg(&folder).status().unwrap().success();
        if !Command::new("mount").arg("--bind").arg(&folder).arg(&folder).status().unwrap().success() {
            eprintln!("not run: this test has to mount a file system, which only root may");
            return None;
        }
        assert!(mount(&["-o", "remount,bind,ro"]));
        Some(Self(folder))
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn folders_that_turn_read_only_stop_the_service_only_while_they_are() {
    let mut server = Server::start(&[]);
    let ann = Client::new(&server);
    let Some(read_only) = ReadOnly::new(server.data().join("blobs")) else { return };
    let refused = ann.submit("/api/v1/cutout", &photo());
    assert_eq!(refused.problem(), (503, "store_unavailable".into()));
    assert_eq!(ann.get("/api/v1/upscale/tasks").status, 200);
    drop(read_only);
    let id = ann.submit_accepted("/api/v1/upscale?enhance_level=light", &photo());
    assert_eq!(ann.wait_until_over(&id)["status"], "completed");
    assert_eq!(replaced_workers(&server), 0);
    assert!(server.terminate());

    let _read_only = ReadOnly::new(server.data()).unwrap();
    let refused = operator(&["serve", "--listen=127.0.0.1:0"], server.folder.path(), "");
    let stderr = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && stderr.contains("cannot be written"), "{stderr}");
}
