//! A server in a folder of its own, and an HTTP client that knows nothing of its code.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::http::{self, Request};
use ureq::{Agent, Body};

use crate::common;

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
    _turn: Turn,
}

pub fn cameo() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cameo"));
    command.env("CAMEO_MODELS", common::models()).env("CAMEO_DEVICE", "cpu").stdin(Stdio::null());
    command
}

impl Server {
    /// Starts a server with the user Ann, and waits until it is ready.
    pub fn start(arguments: &[&str]) -> Self {
        let server = Self::spawn(arguments);
        server.wait_until_ready();
        server
    }

    /// Starts a server while no other test has one, for tests that measure time or memory.
    pub fn start_alone(arguments: &[&str]) -> Self {
        let server = Self::spawn_in(Turn::alone(), arguments);
        server.wait_until_ready();
        server
    }

    /// Starts a server that may not be ready yet.
    pub fn spawn(arguments: &[&str]) -> Self {
        Self::spawn_in(Turn::shared(), arguments)
    }

    fn spawn_in(turn: Turn, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        add_user(folder.path(), USER, PASSWORD);
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let scheme = if arguments.iter().any(|argument| argument.contains("tls-cert")) { "https" } else { "http" };
        let (child, port) = spawn(folder.path(), &arguments, 0);
        Self { child, port, scheme, folder, arguments, _turn: turn }
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
        (self.child, self.port) = spawn(self.folder.path(), &self.arguments, self.port);
    }

    /// Sends SIGTERM and waits for the end. Returns whether the exit code was 0.
    pub fn terminate(&mut self) -> bool {
        signal(self.child.id(), "TERM");
        self.child.wait().unwrap().success()
    }

    pub fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let mut request =
            Request::builder().method(method).uri(format!("{}://127.0.0.1:{}{path}", self.scheme, self.port));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        match method {
            "POST" | "PUT" => agent().run(request.body(body.to_vec()).unwrap()),
            _ => agent().run(request.body(()).unwrap()),
        }
        .map_or_else(|error| Response { status: 0, headers: vec![], body: error.to_string().into() }, Response::read)
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

fn spawn(folder: &Path, arguments: &[String], port: u16) -> (Child, u16) {
    let log = File::options().create(true).append(true).open(folder.join("log")).unwrap();
    let before = log.metadata().unwrap().len() as usize;
    let mut command = cameo();
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

fn agent() -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(Duration::from_secs(180)))
        .build();
    config.into()
}

/// A response; with status 0 if there was none.
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    fn read(mut response: http::Response<Body>) -> Self {
        let headers = response.headers().iter();
        let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_string()));
        let (status, headers) = (response.status().as_u16(), headers.collect());
        let mut body = Vec::new();
        let _ = response.body_mut().as_reader().read_to_end(&mut body);
        Self { status, headers, body }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The status and the code of an error, which must be a valid `application/problem+json`.
    pub fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let body = self.json();
        assert_eq!(body["status"], self.status, "{self:?}");
        assert_eq!(body["request_id"].as_str(), self.header("x-request-id"), "{self:?}");
        assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{self:?}");
        (self.status, body["code"].as_str().unwrap().to_string())
    }
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?} {:.400}", self.status, self.headers, self.text())
    }
}

/// A server as a logged-in user sees it.
pub struct Client<'a> {
    pub server: &'a Server,
    pub token: String,
}

impl<'a> Client<'a> {
    pub fn new(server: &'a Server) -> Self {
        Self { token: server.token(), server }
    }

    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    pub fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let bearer = self.bearer();
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend(headers);
        self.server.call(method, path, &all, body)
    }

    pub fn get(&self, path: &str) -> Response {
        self.call("GET", path, &[], b"")
    }

    pub fn delete(&self, path: &str) -> Response {
        self.call("DELETE", path, &[], b"")
    }

    pub fn json(&self, method: &str, path: &str, body: &Value) -> Response {
        self.call(method, path, &[("content-type", "application/json")], body.to_string().as_bytes())
    }

    pub fn submit_with(&self, path: &str, photo: &[u8], headers: &[(&str, &str)]) -> Response {
        let mut all = vec![("content-type", FORM)];
        all.extend(headers);
        self.call("POST", path, &all, &form(&[("file", Some("portrait.jpg"), photo)]))
    }

    pub fn submit(&self, path: &str, photo: &[u8]) -> Response {
        self.submit_with(path, photo, &[])
    }

    /// Submits a photo, which must be accepted. Returns the task's id.
    pub fn submit_accepted(&self, path: &str, photo: &[u8]) -> String {
        let response = self.submit(path, photo);
        response.json()["task_id"].as_str().unwrap_or_else(|| panic!("{response:?}")).to_string()
    }

    pub fn status(&self, id: &str) -> Value {
        self.get(&format!("/api/v1/upscale/status/{id}")).json()
    }

    /// Waits until the task is over, and returns its last status.
    pub fn wait_until_over(&self, id: &str) -> Value {
        let mut last = Value::Null;
        self.server.wait_until("over", || {
            last = self.status(id);
            !["pending", "processing"].contains(&last["status"].as_str().unwrap_or("pending"))
        });
        last
    }

    pub fn result(&self, id: &str) -> Response {
        self.get(&format!("/api/v1/upscale/result/{id}"))
    }

    /// Stores a config with the small network, and returns its id.
    pub fn quick_config(&self) -> String {
        let body = serde_json::json!({"name": "quick", "options": {"model": "u2netp"}});
        self.json("POST", "/api/v1/configs", &body).json()["id"].as_str().unwrap().to_string()
    }
}

pub const FORM: &str = "multipart/form-data; boundary=XBOUNDARYX";

/// The body of a form with these parts: name, file name and bytes.
pub fn form(parts: &[(&str, Option<&str>, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file, bytes) in parts {
        let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
        body.extend(format!("--XBOUNDARYX\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").bytes());
        body.extend(*bytes);
        body.extend(b"\r\n");
    }
    body.extend(b"--XBOUNDARYX--\r\n");
    body
}

/// A 512x512 photo of a person, as JPEG.
pub fn photo() -> Vec<u8> {
    let image = common::astronaut();
    let rgb: Vec<u8> =
        image.pixels.as_chunks::<4>().0.iter().flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    let mut bytes = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut bytes, 92);
    encoder.encode(&rgb, image.width as u16, image.height as u16, jpeg_encoder::ColorType::Rgb).unwrap();
    bytes
}

/// The resident memory of a process, in bytes.
pub fn memory(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}
