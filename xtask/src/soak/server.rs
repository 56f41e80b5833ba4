//! The server in a process of its own, its memory and its files.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::samples::Sample;
use crate::process::run;
use crate::{files, project_folder, target_folder};

pub const USER: &str = "ann";
pub const PASSWORD: &str = "correct horse";

/// The disk of the data, if it may be mounted.
const DISK_MIB: u32 = 64;

/// Results and tasks expire during the run, as they do in a long one. Uploads are short, so that what is left of those
/// that hang up is removed within a minute.
const FLAGS: [&str; 9] = [
    "--listen=127.0.0.1:0",
    "--lease=5",
    "--max-queue=20",
    "--keep-results=60",
    "--keep-tasks=60",
    "--upload-timeout=20",
    "--body-timeout=5",
    "--token-ttl=31536000",
    "--device=cpu",
];

/// A running server. It is stopped when this is dropped.
pub struct Server {
    child: Child,
    pub port: u16,
    pub log: PathBuf,
    data: PathBuf,
    /// The data is on a small disk of its own.
    pub has_own_disk: bool,
}

impl Server {
    /// Starts a copy of the server `program` with one user, and waits until it is ready. A build beside a long run would
    /// replace the program that the server starts its workers from.
    pub fn start(program: &Path) -> Result<Self, String> {
        let folder = target_folder().join("soak");
        let (data, log) = (folder.join("data"), folder.join("log"));
        // An interrupted run may have left its disk and its data.
        unmount(&data);
        let _ = fs::remove_dir_all(&folder);
        files::create_folder(&data)?;
        let copy = folder.join("cameo");
        fs::copy(program, &copy).map_err(|error| format!("cannot copy {}: {error}", program.display()))?;
        let program = copy.as_path();
        let has_own_disk = mount(&data);
        if !has_own_disk {
            println!("SKIPPED: full disks, because this user may not mount one");
        }
        let output = File::create(&log).map_err(|error| format!("cannot create {}: {error}", log.display()))?;
        let errors = output.try_clone().map_err(|error| format!("cannot write {}: {error}", log.display()))?;
        add_user(program, &data)?;
        let mut command = cameo(program, &data);
        let child = command.arg("serve").args(FLAGS).stdin(Stdio::null()).stdout(output).stderr(errors).spawn();
        let child = child.map_err(|error| format!("cannot start {}: {error}", program.display()))?;
        let mut server = Self { child, port: 0, log, data, has_own_disk };
        server.port = server.wait_for_port()?;
        Ok(server)
    }

    fn wait_for_port(&self) -> Result<u16, String> {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(60) {
            let log = self.text()?;
            let port = log.split_once("//127.0.0.1:").map(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()).next());
            if let Some(Some(port)) = port {
                return port.parse().map_err(|error| format!("the server's log names no port: {error}"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err(format!("the server does not listen: see {}", self.log.display()))
    }

    fn text(&self) -> Result<String, String> {
        Ok(String::from_utf8_lossy(&files::read(&self.log)?).into_owned())
    }

    /// Returns the lines of the log that tell of a panic.
    pub fn panics(&self) -> Result<Vec<String>, String> {
        Ok(self.text()?.lines().filter(|line| line.contains("panicked at")).map(Into::into).collect())
    }

    /// Returns the names of the photos and results, and of incomplete files.
    pub fn blobs(&self) -> Result<Vec<String>, String> {
        let mut names = Vec::new();
        for folder in ["inputs", "results"] {
            let path = self.data.join("blobs").join(folder);
            let listed = fs::read_dir(&path).map_err(|error| format!("cannot list {}: {error}", path.display()))?;
            names.extend(listed.flatten().map(|file| format!("{folder}/{}", file.file_name().to_string_lossy())));
        }
        Ok(names)
    }

    /// Returns the process ids of the workers.
    pub fn workers(&self) -> Vec<u32> {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id())).into_iter().flatten().flatten();
        // A child is listed under the thread that started it.
        let children = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
        children
            .flat_map(|pids| pids.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
            .collect()
    }

    /// Fills the disk of the data until this is dropped.
    pub fn fill_disk(&self) -> FullDisk {
        let path = self.data.join("filler");
        if let Ok(mut filler) = File::create(&path) {
            while filler.write_all(&[0; 64 << 10]).is_ok() {}
        }
        FullDisk(path)
    }

    /// Reads the memory, the descriptors and the threads of the server and its workers, and the size of the data.
    pub fn sample(&self, at: Duration) -> Result<Sample, String> {
        let server = self.child.id();
        let gone = || format!("the server has ended: see {}", self.log.display());
        let workers = self.workers();
        let sum = |read: fn(u32) -> Option<u64>| workers.iter().filter_map(|&pid| read(pid)).sum();
        Ok(Sample {
            at,
            server_bytes: resident(server).ok_or_else(gone)?,
            worker_bytes: sum(resident),
            descriptors: descriptors(server).ok_or_else(gone)?,
            threads: threads(server).ok_or_else(gone)?,
            worker_descriptors: sum(descriptors),
            worker_threads: sum(threads),
            disk_bytes: size_of(&self.data),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
        if self.has_own_disk {
            unmount(&self.data);
        }
    }
}

/// A disk without room. It has room again when this is dropped.
pub struct FullDisk(PathBuf);

impl Drop for FullDisk {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn cameo(program: &Path, data: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("CAMEO_MODELS", project_folder().join("models")).env("CAMEO_DATA", data);
    command
}

fn add_user(program: &Path, data: &Path) -> Result<(), String> {
    let mut command = cameo(program, data);
    let child = command.args(["user", "add", USER]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
    let failed = |error: std::io::Error| format!("cannot add a user: {error}");
    let mut child = child.map_err(failed)?;
    child.stdin.take().map_or(Ok(()), |mut input| input.write_all(PASSWORD.as_bytes())).map_err(failed)?;
    match child.wait().map_err(failed)?.success() {
        true => Ok(()),
        false => Err("cannot add a user: see the message above".into()),
    }
}

fn mount(folder: &Path) -> bool {
    let options = format!("size={DISK_MIB}m,mode=700");
    let mut mount = Command::new("mount");
    run(mount.args(["-t", "tmpfs", "-o", &options, "cameo-soak"]).arg(folder).stderr(Stdio::null())).is_ok()
}

fn unmount(folder: &Path) {
    let _ = run(Command::new("umount").arg(folder).stderr(Stdio::null()));
}

/// Returns the number in the line `name` of the status of a process.
fn status(pid: u32, name: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

fn resident(pid: u32) -> Option<u64> {
    status(pid, "VmRSS:").map(|kib| kib << 10)
}

fn threads(pid: u32) -> Option<u64> {
    status(pid, "Threads:")
}

fn descriptors(pid: u32) -> Option<u64> {
    fs::read_dir(format!("/proc/{pid}/fd")).ok().map(|files| files.count() as u64)
}

fn size_of(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size_of(&entry.path()),
        Ok(metadata) => metadata.len(),
        // It was deleted since the folder was read.
        Err(_) => 0,
    };
    entries.map(size).sum()
}
