//! Programs that run until they end or their time is over.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How often it is checked whether a program has ended: short beside the time to start one.
const INTERVAL: Duration = Duration::from_millis(5);

/// A program that runs. It is killed if this is dropped.
pub struct Running {
    child: Child,
    line: String,
    start: Instant,
    /// Standard output and standard error, which go to files: a full pipe would stop the program.
    outputs: [PathBuf; 2],
}

/// A program that ended.
pub struct Ended {
    pub line: String,
    pub seconds: f64,
    pub stdout: String,
    pub stderr: String,
    /// Why its result does not count.
    pub failure: Option<String>,
    pub code: Option<i32>,
}

impl Running {
    /// Starts `command`. `outputs` is the path of its outputs, without an extension.
    pub fn start(command: &mut Command, outputs: &str) -> Result<Self, String> {
        let line = line(command);
        let outputs = ["stdout", "stderr"].map(|name| PathBuf::from(format!("{outputs}.{name}")));
        let create =
            |path: &PathBuf| File::create(path).map_err(|error| format!("cannot write {}: {error}", path.display()));
        command.stdin(Stdio::null()).stdout(create(&outputs[0])?).stderr(create(&outputs[1])?);
        let start = Instant::now();
        let child = command.spawn().map_err(|error| format!("cannot start `{line}`: {error}"))?;
        Ok(Self { child, line, start, outputs })
    }

    /// Returns whether the program still runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until the program ends, and kills it at `deadline`.
    pub fn wait(mut self, deadline: Instant) -> Ended {
        let mut in_time = true;
        while in_time && self.runs() {
            thread::sleep(INTERVAL);
            in_time = Instant::now() < deadline;
        }
        let _ = self.child.kill();
        let status = self.child.wait();
        let seconds = self.start.elapsed().as_secs_f64();
        let read = |path: &PathBuf| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
        let [stdout, stderr] = self.outputs.each_ref().map(read);
        let (line, code) = (std::mem::take(&mut self.line), status.as_ref().ok().and_then(ExitStatus::code));
        let last_line =
            |text: &str| text.lines().rfind(|line| !line.trim().is_empty()).map(|line| line.trim().to_string());
        let reason = last_line(&stderr).or_else(|| last_line(&stdout)).unwrap_or_default();
        let failure = match status {
            _ if !in_time => Some(format!("`{line}` was stopped after {seconds:.0} s")),
            Ok(status) if status.success() => None,
            Ok(status) => Some(format!("`{line}` failed ({status}): {reason}")),
            Err(error) => Some(format!("`{line}` was lost: {error}")),
        };
        Ended { line, seconds, stdout, stderr, failure, code }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the program's name and its arguments.
fn line(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, seconds: u64) -> Ended {
        let outputs = std::env::temp_dir().join(format!("cameo-process-{}-{seconds}", std::process::id()));
        let mut command = Command::new("sh");
        let running = Running::start(command.args(["-c", script]), &outputs.to_string_lossy()).unwrap();
        running.wait(Instant::now() + Duration::from_secs(seconds))
    }

    #[test]
    fn a_program_ends_with_its_outputs_and_its_reason_to_fail() {
        let ended = shell("echo figures; echo a reason >&2; exit 3", 20);
        assert_eq!((ended.stdout.as_str(), ended.code), ("figures\n", Some(3)));
        let failure = ended.failure.unwrap();
        assert!(failure.contains("exit status: 3") && failure.ends_with("a reason"), "{failure}");
        assert_eq!(shell("exit 0", 21).failure, None);
    }

    #[test]
    fn a_program_is_stopped_at_its_deadline() {
        let ended = shell("echo started; exec sleep 60", 1);
        assert!(ended.seconds < 30.0 && ended.stdout == "started\n");
        assert!(ended.failure.unwrap().contains("was stopped after 1 s"));
    }
}
