//! A step of the measurement: runs programs within a time, and collects figures.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use cameo_models::Network;
use serde::Serialize;
use serde_json::Value;

use super::pack::{CAMEO, GPU_TESTS, LOADER_FOLDER};
use super::process::{Ended, Running};

/// The unpacked kit, and how it measures.
pub struct Kit {
    pub folder: PathBuf,
    /// The folder of the part that runs.
    pub part: PathBuf,
    /// Checks the kit on a software adapter, and measures nothing: small photos, one run, a few tests, and no network on
    /// the GPU where another program is as good for the check.
    pub quick: bool,
    pub allow_software: bool,
    /// The time at which every step ends.
    pub end: Instant,
    /// The packed Vulkan loader is used, because the host has none.
    pub uses_packed_loader: bool,
}

impl Kit {
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Returns the folder for what the steps write. It has the driver's caches too.
    pub fn work(&self) -> PathBuf {
        self.path("work")
    }

    /// Returns the program of the product, which uses the GPU if `arguments` say so.
    pub fn cameo(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(CAMEO);
        command.args(arguments).env("CAMEO_MODELS", self.path("models"));
        if self.allow_software {
            command.env("CAMEO_ALLOW_SOFTWARE", "true");
        }
        command
    }

    /// Returns the program of the product with the command that processes photos on `device`, `jobs` at once. The result's
    /// path and the photos are added.
    pub fn process(&self, network: Network, device: &str, jobs: &str) -> Command {
        let mut command = match self.quick {
            true => self.cameo(&["enhance"]),
            false => self.cameo(&["combo", "--model", network.name()]),
        };
        command.args(["--device", device, "--jobs", jobs, "--json", "--output"]);
        command
    }

    pub fn gpu_tests(&self) -> Command {
        let mut command = self.program(GPU_TESTS);
        let adapter = if self.allow_software { "software" } else { "hardware" };
        command.env("CAMEO_TEST_DATA", &self.folder).env("CAMEO_TEST_ADAPTER", adapter);
        command
    }

    /// Returns a program of the kit. Its home is empty at first, and with it the caches of the driver.
    fn program(&self, name: &str) -> Command {
        let home = self.work();
        let mut command = Command::new(self.path(name));
        command.env("HOME", &home).env("XDG_CACHE_HOME", home.join("cache")).env("XDG_RUNTIME_DIR", &home);
        command.current_dir(&home);
        if self.uses_packed_loader {
            let others = std::env::var("LD_LIBRARY_PATH").unwrap_or_default();
            command.env("LD_LIBRARY_PATH", format!("{}:{others}", self.path(LOADER_FOLDER).display()));
        }
        if std::env::var_os("XDG_DATA_DIRS").is_none() {
            // The Vulkan loader looks for drivers there. Containers get NVIDIA's driver in the last folder.
            command.env("XDG_DATA_DIRS", "/usr/local/share:/usr/share:/usr/local/nvidia/share");
        }
        command
    }
}

/// Why a step has no result.
pub enum Problem {
    Failed(String),
    /// The host lacks what the step needs, and it is not Cameo's fault.
    Skipped(String),
}

impl From<String> for Problem {
    fn from(reason: String) -> Self {
        Problem::Failed(reason)
    }
}

/// A number or a fact that a step found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    pub name: String,
    pub value: Value,
    pub unit: &'static str,
}

/// A step that runs.
pub struct Step<'a> {
    pub kit: &'a Kit,
    pub figures: Vec<Figure>,
    /// What programs wrote as JSON.
    pub reports: Vec<Value>,
    deadline: Instant,
    log: &'a mut File,
}

impl<'a> Step<'a> {
    /// Starts a step that may take as long as `limit`.
    pub fn new(kit: &'a Kit, limit: Duration, log: &'a mut File) -> Self {
        let deadline = kit.end.min(Instant::now() + limit);
        Self { kit, figures: Vec::new(), reports: Vec::new(), deadline, log }
    }

    /// Records a number, rounded to thousandths.
    pub fn figure(&mut self, name: impl Into<String>, value: f64, unit: &'static str) {
        let value = (value * 1e3).round() / 1e3;
        self.figures.push(Figure { name: name.into(), value: value.into(), unit });
    }

    pub fn fact(&mut self, name: &str, value: &str) {
        self.figures.push(Figure { name: name.into(), value: value.trim().into(), unit: "" });
    }

    /// Runs a program.
    ///
    /// # Errors
    /// If it fails or takes too long.
    pub fn run(&mut self, command: &mut Command) -> Result<Ended, String> {
        let ended = self.run_any(command)?;
        match ended.failure {
            Some(failure) => Err(failure),
            None => Ok(ended),
        }
    }

    /// Runs a program. The result tells whether it failed.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn run_any(&mut self, command: &mut Command) -> Result<Ended, String> {
        let running = self.start(command, "output")?;
        Ok(self.wait(running))
    }

    /// Starts a program that runs beside others. `name` is different for each of them.
    pub fn start(&self, command: &mut Command, name: &str) -> Result<Running, String> {
        Running::start(command, &self.kit.work().join(name).to_string_lossy())
    }

    /// Waits for a program, and writes its output to the log.
    pub fn wait(&mut self, running: Running) -> Ended {
        let ended = running.wait(self.deadline);
        let Ended { line, seconds, stdout, stderr, .. } = &ended;
        // The results do not depend on the log.
        let _ = write!(self.log, "$ {line}\n{stdout}{stderr}({seconds:.2} s)\n\n");
        ended
    }

    pub fn has_time(&self) -> bool {
        Instant::now() < self.deadline
    }

    /// Returns an empty folder for files of this step.
    pub fn folder(&self, name: &str) -> Result<PathBuf, String> {
        let folder = self.kit.work().join(name);
        clear(&folder)?;
        Ok(folder)
    }
}

/// Makes `folder` an empty folder.
pub fn clear(folder: &Path) -> Result<(), String> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(|error| format!("cannot remove {}: {error}", folder.display()))?;
    }
    crate::files::create_folder(folder)
}
