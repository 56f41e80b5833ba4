//! What a batch reports for each image: a progress bar on a terminal, JSON on standard output, else one line per image
//! on standard error.

use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use cameo_core::pipeline::{CutoutReport, EncodedResult, StageTimes};
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Serialize, Serializer};
use serde_json::json;

use super::error::{CliError, Result};
use super::items::BatchItem;

/// What became of one image.
pub enum ItemResult {
    Written(EncodedResult),
    /// The output exists already.
    Skipped,
}

/// How a batch is reported.
pub struct ReportSettings {
    /// Print one JSON object per image on standard output.
    pub json: bool,
    /// Print one line per image on standard error.
    pub lines: bool,
    /// The engine's name, for JSON.
    pub device: &'static str,
    /// The matting network's name, for JSON.
    pub model: Option<&'static str>,
}

/// Reports the images of one batch. Threads share it.
pub struct BatchReport {
    bar: Option<ProgressBar>,
    settings: ReportSettings,
    written: AtomicUsize,
    skipped: AtomicUsize,
    /// Whether a JSON object could not be printed.
    lost_lines: AtomicBool,
}

impl BatchReport {
    /// Starts the report of a batch of `count` images.
    pub fn new(settings: ReportSettings, count: usize) -> Self {
        let bar = (count > 1 && std::io::stderr().is_terminal()).then(|| {
            let template = "{bar:30} {pos}/{len} images  {per_sec}  {eta} left  {wide_msg}";
            let bar = ProgressBar::new(count as u64);
            bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self {
            bar,
            settings,
            written: AtomicUsize::new(0),
            skipped: AtomicUsize::new(0),
            lost_lines: AtomicBool::new(false),
        }
    }

    /// Reports one image.
    pub fn add(&self, item: &BatchItem, result: &Result<ItemResult>) {
        let (input, output) = (item.input.name(), item.output.name());
        if self.settings.json {
            self.print_json(&match result {
                Ok(ItemResult::Written(encoded)) => self.json_object(&input, &output, encoded),
                Ok(ItemResult::Skipped) => json!({"input": input, "output": output, "skipped": true}).to_string(),
                Err(error) => json!({"input": input, "error": error.to_string()}).to_string(),
            });
        }
        match result {
            Ok(ItemResult::Written(_)) => self.written.fetch_add(1, Ordering::Relaxed),
            Ok(ItemResult::Skipped) => self.skipped.fetch_add(1, Ordering::Relaxed),
            Err(_) => 0,
        };
        match result {
            Err(error) => self.print(|| eprintln!("error: {input}: {error}")),
            Ok(_) if self.settings.json || self.bar.is_some() || !self.settings.lines => {}
            Ok(ItemResult::Skipped) => eprintln!("{output} exists, skipped: replace it with --overwrite"),
            Ok(ItemResult::Written(encoded)) => {
                let seconds = encoded.times.total_ms() / 1e3;
                eprintln!("{output}: {}x{} in {seconds:.1} s", encoded.width, encoded.height);
            }
        }
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    /// Reports an argument that names nothing, or a folder of photos that cannot be read.
    pub fn add_failure(&self, name: &str, error: &CliError) {
        if self.settings.json {
            self.print_json(&json!({"input": name, "error": error.to_string()}).to_string());
        }
        self.print(|| eprintln!("error: {error}"));
    }

    fn print_json(&self, object: &str) {
        self.print(|| match writeln!(std::io::stdout(), "{object}") {
            // A closed pipe, as by `head`, must not end the batch.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                eprintln!("error: cannot write to standard output: {error}");
                self.lost_lines.store(true, Ordering::Relaxed);
            }
            _ => {}
        });
    }

    /// Prints without tearing the progress bar.
    fn print(&self, print: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    fn json_object(&self, input: &str, output: &str, encoded: &EncodedResult) -> String {
        let object = JsonResult {
            input,
            output,
            width: encoded.width,
            height: encoded.height,
            device: self.settings.device,
            model: self.settings.model,
            cutout: encoded.report,
            ms: Milliseconds(&encoded.times),
        };
        serde_json::to_string(&object)
            .unwrap_or_else(|error| json!({"input": input, "error": error.to_string()}).to_string())
    }

    /// Ends the progress bar with a summary. Returns whether all JSON objects could be printed.
    pub fn finish(&self, failures: usize) -> bool {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
            let (written, skipped) = (self.written.load(Ordering::Relaxed), self.skipped.load(Ordering::Relaxed));
            let seconds = bar.elapsed().as_secs_f64();
            eprintln!("{written} written, {skipped} skipped, {failures} failed in {seconds:.1} s");
        }
        !self.lost_lines.load(Ordering::Relaxed)
    }
}

/// The JSON object of one result.
#[derive(Serialize)]
struct JsonResult<'a> {
    input: &'a str,
    output: &'a str,
    width: u32,
    height: u32,
    device: &'a str,
    model: Option<&'a str>,
    /// Absent if nothing was cut out.
    #[serde(flatten)]
    cutout: Option<CutoutReport>,
    ms: Milliseconds<'a>,
}

/// Stage times in the order of the pipeline, and their sum, rounded to microseconds.
struct Milliseconds<'a>(&'a StageTimes);

impl Serialize for Milliseconds<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let round = |ms: f64| (ms * 1e3).round() / 1e3;
        let stages = self.0.stages().chain([("total", self.0.total_ms())]);
        serializer.collect_map(stages.map(|(stage, ms)| (stage, round(ms))))
    }
}
