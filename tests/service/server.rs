//! Servers: real processes, each with a data folder of its own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use crate::common;
use crate::response::Response;

pub const USER: &str = "ann";
pub const PASSWORD: &str = "correct horse";

/// How long a test waits for something to happen. What a test waits for takes a few seconds; a machine under load may
/// take ten times as long.
const PATIENCE: Duration = Duration::from_secs(120);

/// Servers share the machine, except with a test that measures time or memory.
static MACHINE: RwLock<()> = RwLock::new(());

/// The right to use the machine.
enum Turn {
    Shared { _guard: RwLockReadGuard<'static, ()> },
    Alone { _guard: RwLockWriteGuard<'static, ()> },
}

impl Turn {
    fn shared() -> Self {
        Self::Shared { _guard: MACHINE.read().unwrap_or_else(PoisonError::into_inner) }
    }

    fn alone() -> Self {
        Self::Alone { _guard: MACHINE.write().unwrap_or_else(PoisonError::into_inner) }
    }
}

/// A running server with its workers. It is killed when it is dropped. A test must not start a second one.
pub struct Server {
    child: Child,
    pub port: u16,
    scheme: &'static str,
    pub folder: tempfile::TempDir,
    arguments: Vec<String>,
    /// The program that starts it, with its arguments; empty if it is started directly.
    under: Vec<String>,
    _turn: Turn,
}

pub fn cameo() -> Command {
    cameo_under(&[])
}

/// `cameo`, started by the program `under` if it is not empty.
fn cameo_under(under: &[String]) -> Command {
    const CAMEO: &str = env!("CARGO_BIN_EXE_cameo");
    let mut command = match under {
        [] => Command::new(CAMEO),
        [program, arguments @ ..] => {
            let mut command = Command::new(program);
            command.args(arguments).arg(CAMEO);
            command
        }
    };
    command.env("CAMEO_MODELS", common::models()).env("CAMEO_DEVICE", "cpu").stdin(Stdio::null());
    command
}

impl Server {
    /// Starts a server with the user Ann, and waits until it is ready.
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), arguments)
    }

    /// Starts a server with the user Ann whose data is in `folder`, and waits until it is ready.
    pub fn start_in(folder: tempfile::TempDir, arguments: &[&str]) -> Self {
        let server = Self::spawn_in(Turn::shared(), folder, arguments, Vec::new());
        server.wait_until_ready();
        server
    }

    /// Starts a server as [`start_in`](Self::start_in) does, by a program that runs the one behind its arguments.
    pub fn start_under(program: &[&str], folder: tempfile::TempDir, arguments: &[&str]) -> Self {
        let program = program.iter().map(ToString::to_string).collect();
        let server = Self::spawn_in(Turn::shared(), folder, arguments, program);
        server.wait_until_ready();
        server
    }

    /// Starts a server while no other test has one, for tests that measure time or memory.
    pub fn start_alone(arguments: &[&str]) -> Self {
        let server = Self::spawn_in(Turn::alone(), tempfile::tempdir().unwrap(), arguments, Vec::new());
        server.wait_until_ready();
        server
    }

    /// Starts a server while no other test has one, for tests of the demo, whose port is fixed. It may not be ready yet.
    pub fn spawn_alone(arguments: &[&str]) -> Self {
        Self::spawn_in(Turn::alone(), tempfile::tempdir().unwrap(), arguments, Vec::new())
    }

    /// Starts a server that may not be ready yet.
    pub fn spawn(arguments: &[&str]) -> Self {
        Self::spawn_in(Turn::shared(), tempfile::tempdir().unwrap(), arguments, Vec::new())
    }

    fn spawn_in(turn: Turn, folder: tempfile::TempDir, arguments: &[&str], under: Vec<String>) -> Self {
        add_user(folder.path(), USER, PASSWORD);
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let scheme = if arguments.iter().any(|argument| argument.contains("tls-cert")) { "https" } else { "http" };
        let (child, port) = spawn(folder.path(), &arguments, 0, &under);
        Self { child, port, scheme, folder, arguments, under, _turn: turn }
    }

    pub fn wait_until_ready(&self) {
        self.wait_until("ready", || self.call("GET", "/readyz", &[], b"").status == 200);
    }

    /// Waits until `condition` holds.
    #[track_caller]
    pub fn wait_until(&self, what: &str, mut condition: impl FnMut() -> bool) {
        let since = Instant::now();
        while !condition() {
            assert!(since.elapsed() < PATIENCE, "not {what}: {}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The names of all files in the blob folder: photos and results.
    pub fn blob_files(&self) -> Vec<String> {
        let list = |folder: &str| std::fs::read_dir(self.data().join("blobs").join(folder)).unwrap();
        let name =
            |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name().to_string_lossy().into_owned();
        list("inputs").chain(list("results")).map(name).collect()
    }

    /// Everything that the server and its workers have logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The process ids of its workers.
    pub fn workers(&self) -> Vec<u32> {
        children(self.child.id())
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again after it has ended, on the same port and data.
    pub fn restart(&mut self) {
        (self.child, self.port) = spawn(self.folder.path(), &self.arguments, self.port, &self.under);
    }

    /// Waits for the process to end, for as long as a test may wait, and returns its exit code.
    pub fn exit_code(&mut self) -> Option<i32> {
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        None
    }

    /// Sends SIGTERM and waits for the end. Returns whether the exit code was 0.
    pub fn terminate(&mut self) -> bool {
        signal(self.child.id(), "TERM");
        self.child.wait().unwrap().success()
    }

    pub fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let url = format!("{}://127.0.0.1:{}{path}", self.scheme, self.port);
        Response::fetch(method, &url, headers, body)
    }

    pub fn login(&self, user: &str, password: &str) -> Response {
        let body = serde_json::json!({"username": user, "password": password}).to_string();
        self.call("POST", "/api/v1/login", &[("content-type", "application/json")], body.as_bytes())
    }

    pub fn token(&self) -> String {
        self.token_of(USER, PASSWORD)
    }

    pub fn token_of(&self, user: &str, password: &str) -> String {
        let response = self.login(user, password);
        response.json()["access_token"].as_str().unwrap_or_else(|| panic!("{response:?}")).to_string()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("{}", lines[lines.len().saturating_sub(30)..].join("\n"));
        }
    }
}

fn spawn(folder: &Path, arguments: &[String], port: u16, under: &[String]) -> (Child, u16) {
    let log = File::options().create(true).append(true).open(folder.join("log")).unwrap();
    let before = log.metadata().unwrap().len() as usize;
    let mut command = cameo_under(under);
    command.arg("serve").arg("--data").arg(folder.join("data")).args(arguments);
    if !arguments.iter().any(|argument| argument.contains("listen") || argument == "--demo") {
        command.arg(format!("--listen=127.0.0.1:{port}"));
    }
    let mut child = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
    let since = Instant::now();
    let mut text = String::new();
    while since.elapsed() < Duration::from_secs(60) {
        text = std::fs::read_to_string(folder.join("log")).unwrap();
        if let Some(port) = port_in(&text[before..]) {
            return (child, port);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    panic!("the server does not listen: {text}");
}

/// Returns the port in the log line that states where the server listens.
fn port_in(log: &str) -> Option<u16> {
    let (_, rest) = log.split_once("//127.0.0.1:")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Adds a user to the data in `folder`, as an operator does.
pub fn add_user(folder: &Path, user: &str, password: &str) {
    let response = operator(&["user", "add", user], folder, password);
    assert!(response.status.success(), "{response:?}");
}

/// Runs `cameo` on the data in `folder`, with `input` as its standard input.
pub fn operator(arguments: &[&str], folder: &Path, input: &str) -> Output {
    use std::io::Write;
    let mut command = cameo();
    command.args(arguments).arg("--data").arg(folder.join("data"));
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// Sends a signal by its name.
pub fn signal(pid: u32, name: &str) {
    Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).status().unwrap();
}

fn children(pid: u32) -> Vec<u32> {
    let listed = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let mut found: Vec<u32> = listed.split_whitespace().filter_map(|pid| pid.parse().ok()).collect();
    // A child is listed under the thread that started it.
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
        let listed = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        found.extend(listed.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The resident memory of a process, in bytes.
pub fn memory(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}
